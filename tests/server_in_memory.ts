// The web server's side of a connection without a socket: a test decides which
// bytes arrive together, and sees each read and write.
import { makeSite } from "../examples/server_pages.ts";
import { serveConnection } from "../examples/http/connection.ts";
import type { Conn } from "../examples/http/client.ts";
import {
  concat,
  parseResponses,
  type RawResponse,
  toBytes,
} from "./raw_http.ts";

/** What the server has done with a connection. */
export interface Exchange {
  responses: RawResponse[];
  reads: number;
  writes: number;
  /** Whether the server has ended its part before the client did. */
  isParted: boolean;
}

/** Options of {@linkcode exchange}. */
export interface ExchangeOptions {
  /** The numbers of the responses to `HEAD`, from 0. */
  headOnly?: number[];
  isStopping?(): boolean;
}

/** Serves what arrives in the packets, after which the client ends its part. */
export async function exchange(
  packets: (string | Uint8Array)[],
  { headOnly, isStopping = () => false }: ExchangeOptions = {},
): Promise<Exchange> {
  const conn = new MemoryConn(packets);
  conn.end();
  await serveConnection(conn, makeSite(0), { idle: 5_000, isStopping });
  return {
    responses: parseResponses(concat(conn.written), headOnly),
    reads: conn.reads,
    writes: conn.written.length,
    isParted: conn.isParted,
  };
}

/** The statuses of the responses to what arrives in the packets. */
export async function statuses(
  ...packets: (string | Uint8Array)[]
): Promise<number[]> {
  const { responses } = await exchange(packets);
  return responses.map(({ status }) => status);
}

/** A connection whose client is the test. */
export class MemoryConn implements Conn {
  readonly written: Uint8Array[] = [];
  reads = 0;
  isClosed = false;
  isParted = false;
  /** Called with what the server writes. */
  onWrite: (bytes: Uint8Array) => void = () => {};
  readonly #packets: Uint8Array[];
  #isEnded = false;
  #wake = () => {};

  constructor(packets: (string | Uint8Array)[] = []) {
    this.#packets = packets.map(toBytes);
  }

  /** The client sends. */
  send(data: string | Uint8Array): void {
    this.#packets.push(toBytes(data));
    this.#wake();
  }

  /** The client sends nothing more. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async read(target: Uint8Array): Promise<number | null> {
    this.reads++;
    while (this.#packets.length === 0) {
      if (this.isClosed) throw new Deno.errors.BadResource("closed");
      if (this.#isEnded) return null;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const packet = this.#packets[0];
    const count = Math.min(packet.length, target.length);
    target.set(packet.subarray(0, count));
    if (count === packet.length) this.#packets.shift();
    else this.#packets[0] = packet.subarray(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.isClosed) throw new Deno.errors.BadResource("closed");
    this.written.push(bytes.slice());
    this.onWrite(bytes);
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    this.isParted = true;
    return Promise.resolve();
  }

  close(): void {
    this.isClosed = true;
    this.#wake();
  }
}
