// The way of this pool's connections, and nothing of the rest: main carries their bytes, and
// the worker with the fewest connections answers. So it shows what the design costs.
import { obey, setting, tell } from "../parent.ts";
import type { ServerSetting } from "../setting.ts";
import { type FloorLink, openLink } from "./floor_link.ts";
import { Kind } from "./floor_ring.ts";
import { acceptAll, listen } from "./listen.ts";

const { work } = setting<ServerSetting>();

/** A connection, and what is still to be written to it. */
class Served {
  readonly #conn: Deno.Conn;
  readonly #waiting: Uint8Array[] = [];
  #isWriting = false;
  isClosed = false;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
  }

  /** Hands on what the client sends, until it ends. */
  async readAll(take: (bytes: Uint8Array) => void): Promise<void> {
    const buffer = spare.pop() ?? new Uint8Array(4096);
    try {
      while (!this.isClosed) {
        const count = await this.#conn.read(buffer);
        if (count === null) break;
        take(buffer.subarray(0, count));
      }
    } catch {
      // Closed, or reset by the client.
    }
    spare.push(buffer);
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.#waiting.push(bytes);
    if (this.#isWriting) return;
    this.#isWriting = true;
    try {
      for (let next; (next = this.#waiting.shift());) {
        for (let sent = 0; sent < next.length;) {
          sent += await this.#conn.write(next.subarray(sent));
        }
      }
    } catch {
      // Reset by the client.
    }
    this.#isWriting = false;
    if (this.isClosed) this.#conn.close();
  }

  /** Closes it once all is written. */
  close(): void {
    this.isClosed = true;
    if (!this.#isWriting) this.#conn.close();
  }
}

/** Those that a worker serves, and the link to it. */
interface Server {
  served: Map<number, Served>;
  link: FloorLink;
}

async function startServer(): Promise<Server> {
  const served = new Map<number, Served>();
  const link = await openLink("floor_worker.ts", work, (id, kind, bytes) => {
    if (kind === Kind.BYTES) return served.get(id)?.write(bytes);
    served.get(id)?.close();
    served.delete(id);
  });
  return { served, link };
}

async function serve({ served, link }: Server, conn: Deno.Conn): Promise<void> {
  const id = ++lastId;
  const own = new Served(conn);
  served.set(id, own);
  link.tell(id, Kind.OPEN);
  await own.readAll((bytes) => link.tell(id, Kind.BYTES, bytes));
  link.tell(id, Kind.END);
}

const spare: Uint8Array[] = [];
let lastId = 0;

const [one, other] = [await startServer(), await startServer()];
const listener = listen();
tell({ port: listener.addr.port });
acceptAll(listener, (conn) => {
  serve(one.served.size <= other.served.size ? one : other, conn);
});
await obey();
