// Sends messages from a process to main, as frames on the standard error. Any failure
// here ends the process, so main knows that no message follows.

import type { PackedError } from "../values/unpack_error.ts";
import { isArray, stringify } from "../values/intrinsics.ts";
import { WAKE, type Wake } from "../wire/protocol.ts";
import { ChunkWriter } from "./chunks.ts";
import { checkLength, Kind } from "./frames.ts";
import type { FromProcess, ProcessInit, ToProcess } from "./protocol.ts";

type Encode = typeof import("./clone.ts") & typeof import("./crossing.ts");
type Encoded = import("./clone.ts").Encoded;

const { exit, stderr } = Deno;
const writeSync = stderr.writeSync.bind(stderr);
const encoder = new TextEncoder();
const encode = encoder.encode.bind(encoder);

/** Output of this process to main. */
export class ChildOutput {
  readonly #writer: ChunkWriter;
  readonly #longest: number;
  readonly #densest: number;
  /** Stops a channel in this process after one of its chunks could not be sent. */
  readonly #receive: (message: ToProcess) => void;
  /** Encoder of clones, which most jobs do not need. */
  #encode: Encode | undefined;
  /** Number of clones that wait for blobs to be read, and the end of the last wait. */
  #waiting = 0;
  #left: Promise<void> | undefined;

  constructor(init: ProcessInit, receive: (message: ToProcess) => void) {
    this.#writer = new ChunkWriter(init.mark, init.chunk, writeSync);
    this.#longest = init.longest;
    this.#densest = init.densest;
    this.#receive = receive;
  }

  /** Loads the encoder of clones. */
  async load(): Promise<void> {
    if (this.#encode !== undefined) return;
    const clone = await import("./clone.ts");
    this.#encode = { ...clone, ...await import("./crossing.ts") };
  }

  /** Sends a message as text. */
  send(text: string): void {
    try {
      const bytes = encode(text);
      checkLength(bytes.length, this.#longest);
      this.#writer.write(Kind.TEXT, bytes);
    } catch {
      // Main has ended, or a job has closed the output.
      exit(1);
    }
  }

  /** Posts a message; throws if something in it cannot be cloned. */
  post(
    message: FromProcess | Wake,
    moves: readonly Transferable[] = [],
  ): void {
    if (message === WAKE) return;
    if (isArray(message)) return this.#postClone(message, moves);
    switch (message.kind) {
      case "ready":
      case "grown":
      case "stopped":
        return this.send(stringify(message));
      case "ended":
        return message.ending.kind === "timed-out"
          ? this.send(stringify(message))
          : this.#postClone(message, moves);
      case "flow":
        return this.#encode!.sendFlow(
          message.events,
          moves,
          (events, moves) => this.#postClone({ kind: "flow", events }, moves),
          (events) => this.#receive({ kind: "flow", events }),
        );
      case "stop-failed":
      case "failed":
      case "crashed":
        return this.#encode!.sendError(
          message,
          (message) => this.#postClone(message, moves),
        );
      default:
        return this.#postClone(message, moves);
    }
  }

  /** Reports an error for which main replaces this worker. */
  async fail(
    kind: "failed" | "crashed",
    error: unknown,
    before: () => void = () => {},
  ): Promise<void> {
    try {
      await this.load();
      const { packError } = await import("../values/pack_error.ts");
      const packed: PackedError = packError(error);
      before();
      this.post({ kind, error: packed });
    } catch {
      // A job has broken code that reports errors.
      exit(1);
    }
  }

  #postClone(message: FromProcess, moves: readonly Transferable[]): void {
    const encoded = this.#encode!.encodeClone(message, moves);
    checkLength(encoded.clone.length, this.#densest);
    checkLength(encoded.length, this.#longest);
    if (this.#waiting === 0 && encoded.blob === undefined) {
      return this.#write(encoded);
    }
    const { buffers } = encoded;
    // Copied, because a job can change the buffers during the wait.
    for (let i = 0; i < buffers.length; i++) {
      buffers[i] = new Uint8Array(buffers[i]);
    }
    this.#waiting++;
    this.#left = this.#writeAfter(this.#left, encoded);
  }

  async #writeAfter(
    before: Promise<void> | undefined,
    encoded: Encoded,
  ): Promise<void> {
    try {
      await before;
      this.#write(encoded, await encoded.blob?.bytes());
      this.#waiting--;
    } catch {
      exit(1);
    }
  }

  #write({ clone, buffers }: Encoded, blob?: Uint8Array): void {
    const writer = this.#writer;
    for (let i = 0; i < buffers.length; i++) {
      writer.write(Kind.BYTES, buffers[i]);
    }
    if (blob !== undefined) writer.write(Kind.BYTES, blob);
    writer.write(Kind.CLONE, clone);
  }
}
