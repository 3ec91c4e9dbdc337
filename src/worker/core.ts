// What runs in a worker once its module is imported: hands messages to those
// whom they concern.

import { Board } from "../board.ts";
import type {
  ConnectedJobMessage,
  ConnectionEvent,
  FromWorker,
  InitMessage,
  ToWorker,
} from "../protocol.ts";
import type { Connections } from "./connections.ts";
import { Executor } from "./executor.ts";
import { Handlers, importModule } from "./handlers.ts";

type Post = (message: FromWorker, moves?: Transferable[]) => void;

/** Imports the module, and makes what runs its jobs. */
export async function openCore(init: InitMessage, post: Post): Promise<Core> {
  const { module } = init;
  const handlers = new Handlers(
    module === undefined ? {} : await importModule(module),
  );
  return new Core(
    new Executor(init, new Board(init.board), handlers, post),
    post,
  );
}

/** The receiver of all messages. */
export class Core {
  readonly #executor: Executor;
  readonly #post: Post;
  /** Loaded late, since a worker that has no connections starts without. */
  #connections: Connections | undefined;
  /** What came while the connections were being loaded. */
  #waiting: ToWorker[] = [];

  constructor(executor: Executor, post: Post) {
    this.#executor = executor;
    this.#post = post;
  }

  /** Loads what not every job needs. */
  async loadRest(): Promise<void> {
    await this.#executor.loadEndings();
    const { Connections } = await import("./connections.ts");
    this.#connections = new Connections(this.#post);
    for (const message of this.#waiting.splice(0)) this.receive(message);
  }

  receive(message: ToWorker): void {
    if (this.#waiting.length > 0) this.#waiting.push(message);
    else if (Array.isArray(message)) this.#executor.receive(message);
    else {
      switch (message.kind) {
        case "functions":
          return this.#executor.define(message.definitions);
        case "abort":
          return this.#executor.abort(message.seq, message.reason);
        case "init":
          return;
        default:
          if (this.#connections) this.#connect(message, this.#connections);
          else this.#waiting.push(message);
      }
    }
  }

  #connect(
    message: ConnectedJobMessage | ConnectionEvent,
    connections: Connections,
  ): void {
    if (message.kind !== "connected-job") connections.receive(message);
    else {
      this.#executor.receive(message.job, connections, message.connections);
    }
  }
}
