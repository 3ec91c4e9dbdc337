// Serves connections whose bytes come through a link.
import { type Channel, serve } from "../http.ts";
import { joinLink } from "./floor_link.ts";
import { Kind } from "./floor_ring.ts";

/** A connection, as its handler sees it. */
class Conn implements Channel {
  readonly #tell: (bytes: Uint8Array) => void;
  readonly #chunks: Uint8Array[] = [];
  #hasEnded = false;
  #wake: (() => void) | undefined;

  constructor(tell: (bytes: Uint8Array) => void) {
    this.#tell = tell;
  }

  /** What came; nothing, at the end. */
  came(bytes?: Uint8Array): void {
    if (bytes) this.#chunks.push(bytes);
    else this.#hasEnded = true;
    this.#wake?.();
  }

  async read(target: Uint8Array): Promise<number | null> {
    while (this.#chunks.length === 0) {
      if (this.#hasEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const [chunk] = this.#chunks;
    const part = chunk.subarray(0, target.length);
    target.set(part);
    if (part.length === chunk.length) this.#chunks.shift();
    else this.#chunks[0] = chunk.subarray(part.length);
    return part.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.#tell(bytes);
    return Promise.resolve(bytes.length);
  }
}

joinLink((link, work) => {
  const conns = new Map<number, Conn>();

  function open(id: number): void {
    const conn = new Conn((bytes) => link.tell(id, Kind.BYTES, bytes));
    conns.set(id, conn);
    serve(conn, work).finally(() => {
      conns.delete(id);
      link.tell(id, Kind.END);
    });
  }

  return (id, kind, bytes) => {
    if (kind === Kind.OPEN) open(id);
    else conns.get(id)?.came(kind === Kind.BYTES ? bytes : undefined);
  };
});
