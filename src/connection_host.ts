// Main's end of a moved connection: it carries bytes between the socket and the
// worker, with credit in both directions.

import { SMALL, TELL_AFTER, WINDOW } from "./connection_flow.ts";
import { type PackedError, packError } from "./error_codec.ts";
import type { ConnectionEvent, ConnectionRequest } from "./protocol.ts";

const SMALLEST_CHUNK = 16 * 1024;
const LARGEST_CHUNK = 256 * 1024;

const owned = new WeakSet<Deno.Conn>();
const closed = new WeakSet<Deno.Conn>();

/**
 * Refuses connections that are the pool's already.
 *
 * @throws {TypeError} If one of them is
 */
export function checkConnections(connections: Iterable<Deno.Conn>): void {
  for (const conn of connections) {
    if (owned.has(conn)) {
      throw new TypeError("The connection has already moved into a job");
    }
  }
}

/** Makes connections the pool's. */
export function ownConnections(connections: Iterable<Deno.Conn>): void {
  for (const conn of connections) owned.add(conn);
}

/** Closes connections that the pool owns, as far as they are still open. */
export function closeConnections(connections: Iterable<Deno.Conn> = []): void {
  for (const conn of connections) {
    if (closed.has(conn)) continue;
    closed.add(conn);
    try {
      conn.close();
    } catch (error) {
      // Its former owner has closed it.
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }
}

/** A connection whose job is in a worker. */
export class ConnectionHost {
  readonly conn: Deno.Conn;
  readonly #id: number;
  readonly #post: (event: ConnectionEvent, moves?: Transferable[]) => void;
  /** How many more bytes may be read ahead of the handler. */
  #credit = WINDOW;
  #moreCredit: (() => void) | undefined;
  #writes: Promise<void> = Promise.resolve();
  /** Bytes that have been written since the worker was told. */
  #untold = 0;
  #closed = false;

  constructor(
    id: number,
    conn: Deno.Conn,
    post: (event: ConnectionEvent, moves?: Transferable[]) => void,
  ) {
    this.#id = id;
    this.conn = conn;
    this.#post = post;
    this.#readAll();
  }

  receive(request: ConnectionRequest): void {
    switch (request.kind) {
      case "conn-consumed":
        this.#credit += request.bytes;
        this.#moreCredit?.();
        break;
      case "conn-write":
        this.#afterWrites(() => this.#write(request.chunk));
        break;
      case "conn-close-write":
        this.#afterWrites(() => this.#closeWrite());
        break;
      case "conn-close":
        this.finish();
        break;
      case "conn-option":
        this.#setOption(request.option, request.value);
    }
  }

  /** Closes the connection once all is written that the handler has written. */
  async finish(): Promise<void> {
    this.#afterWrites(() => this.close());
    await this.#writes;
  }

  /** Closes the connection at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#moreCredit?.();
    closeConnections([this.conn]);
  }

  async #readAll(): Promise<void> {
    let size = SMALLEST_CHUNK;
    try {
      while (!this.#closed) {
        if (this.#credit <= 0) await this.#creditGiven();
        const buffer = new Uint8Array(size);
        const count = await this.conn.read(buffer);
        if (this.#closed) return;
        if (count === null) {
          return this.#post({ kind: "conn-end", id: this.#id });
        }
        this.#credit -= count;
        if (count === size) size = Math.min(size * 4, LARGEST_CHUNK);
        this.#postChunk(buffer, count);
      }
    } catch (error) {
      if (this.#closed) return;
      this.#post({ kind: "conn-end", id: this.#id, error: packError(error) });
    }
  }

  #creditGiven(): Promise<void> {
    return new Promise((resolve) => {
      this.#moreCredit = () => {
        this.#moreCredit = undefined;
        resolve();
      };
    });
  }

  #postChunk(buffer: Uint8Array<ArrayBuffer>, count: number): void {
    const event = { kind: "conn-data", id: this.#id } as const;
    if (count <= SMALL) {
      this.#post({ ...event, chunk: buffer.slice(0, count) });
    } else {
      this.#post({ ...event, chunk: buffer.subarray(0, count) }, [
        buffer.buffer,
      ]);
    }
  }

  #afterWrites(action: () => void | Promise<void>): void {
    this.#writes = this.#writes.then(action);
  }

  async #write(chunk: Uint8Array): Promise<void> {
    let error: PackedError | undefined;
    try {
      for (let written = 0; written < chunk.length;) {
        written += await this.conn.write(chunk.subarray(written));
      }
    } catch (thrown) {
      error = packError(thrown);
    }
    this.#untold += chunk.length;
    if (this.#untold < TELL_AFTER && !error) return;
    this.#tell({
      kind: "conn-written",
      id: this.#id,
      bytes: this.#untold,
      error,
    });
    this.#untold = 0;
  }

  async #closeWrite(): Promise<void> {
    let error: PackedError | undefined;
    try {
      await this.conn.closeWrite();
    } catch (thrown) {
      error = packError(thrown);
    }
    this.#tell({ kind: "conn-closed-write", id: this.#id, error });
  }

  #tell(event: ConnectionEvent): void {
    if (!this.#closed) this.#post(event);
  }

  #setOption(option: "setNoDelay" | "setKeepAlive", value?: boolean): void {
    const conn = this.conn as Partial<Deno.TcpConn>;
    try {
      if (!this.#closed) conn[option]?.(value);
    } catch {
      // The socket is gone, which the next read or write reports.
    }
  }
}
