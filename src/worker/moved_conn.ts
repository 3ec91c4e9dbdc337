// A connection in the worker that it has moved to: a `Deno.Conn` whose socket
// is at main.

import { SMALL, TELL_AFTER, WINDOW } from "../connection_flow.ts";
import { unpackError } from "../error_codec.ts";
import type {
  ConnectionEvent,
  ConnectionRequest,
  MovedConnection,
} from "../protocol.ts";

const CHUNK = 64 * 1024;

/** The worker's end of a moved connection. */
export class MovedConn implements Deno.TcpConn {
  readonly localAddr: Deno.NetAddr;
  readonly remoteAddr: Deno.NetAddr;
  readonly #id: number;
  readonly #post: (request: ConnectionRequest, moves?: Transferable[]) => void;
  readonly #chunks: Uint8Array[] = [];
  /** How far the first chunk has been read. */
  #offset = 0;
  /** Bytes that have been read since main was told. */
  #untold = 0;
  #ended = false;
  #readError: unknown;
  #readers: (() => void)[] = [];
  /** Bytes written here and not yet there. */
  #unwritten = 0;
  #writeError: unknown;
  #writers: (() => void)[] = [];
  #closingWrite: PromiseWithResolvers<void> | undefined;
  #closed = false;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  constructor(
    { id, localAddr, remoteAddr }: MovedConnection,
    post: (request: ConnectionRequest, moves?: Transferable[]) => void,
  ) {
    this.#id = id;
    this.#post = post;
    // Which kind of address it is follows from the connection that moved.
    this.localAddr = localAddr as Deno.NetAddr;
    this.remoteAddr = remoteAddr as Deno.NetAddr;
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        const buffer = new Uint8Array(CHUNK);
        const count = await this.read(buffer);
        if (count === null) {
          controller.close();
          controller.byobRequest?.respond(0);
        } else controller.enqueue(buffer.subarray(0, count));
      },
      cancel: () => this.close(),
    });
  }

  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= new WritableStream({
      write: async (chunk) => {
        for (let written = 0; written < chunk.length;) {
          written += await this.write(chunk.subarray(written));
        }
      },
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
  }

  async read(target: Uint8Array): Promise<number | null> {
    if (target.length === 0) return 0;
    while (this.#chunks.length === 0) {
      this.#checkOpen();
      if (this.#readError) throw this.#readError;
      if (this.#ended) return null;
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
    this.#checkOpen();
    return this.#take(target);
  }

  async write(data: Uint8Array): Promise<number> {
    this.#checkOpen();
    while (this.#unwritten >= WINDOW && !this.#writeError) {
      await new Promise<void>((resolve) => this.#writers.push(resolve));
      this.#checkOpen();
    }
    this.#throwWriteError();
    if (data.length === 0) return 0;
    // The caller may use its buffer again as soon as this has resolved.
    const chunk = data.slice(0, WINDOW);
    const { length } = chunk;
    this.#unwritten += length;
    this.#post(
      { kind: "conn-write", id: this.#id, chunk },
      length > SMALL ? [chunk.buffer] : undefined,
    );
    return length;
  }

  closeWrite(): Promise<void> {
    if (this.#closed) return Promise.reject(closedError());
    if (this.#closingWrite === undefined) {
      this.#closingWrite = Promise.withResolvers();
      this.#post({ kind: "conn-close-write", id: this.#id });
    }
    return this.#closingWrite.promise;
  }

  close(): void {
    this.#checkOpen();
    this.#post({ kind: "conn-close", id: this.#id });
    this.end();
  }

  /** No `Deno.Conn` method: the job has ended, and main closes the socket. */
  end(): void {
    this.#closed = true;
    this.#chunks.length = 0;
    this.#wake();
    this.#closingWrite?.reject(closedError());
    this.#closingWrite?.promise.catch(() => {
      // Nobody may be waiting for it any more.
    });
  }

  ref(): void {
    // The socket is at main: here it neither keeps the worker alive nor not.
  }

  unref(): void {
    // See `ref`.
  }

  setNoDelay(value?: boolean): void {
    this.#setOption("setNoDelay", value);
  }

  setKeepAlive(value?: boolean): void {
    this.#setOption("setKeepAlive", value);
  }

  [Symbol.dispose](): void {
    if (!this.#closed) this.close();
  }

  /** No `Deno.Conn` method: main tells what the socket does. */
  receive(event: ConnectionEvent): void {
    const error = "error" in event && event.error
      ? unpackError(event.error)
      : undefined;
    switch (event.kind) {
      case "conn-data":
        this.#chunks.push(event.chunk);
        break;
      case "conn-end":
        this.#ended = true;
        this.#readError = error;
        break;
      case "conn-written":
        this.#unwritten -= event.bytes;
        this.#writeError ??= error;
        break;
      case "conn-closed-write":
        if (error) this.#closingWrite?.reject(error);
        else this.#closingWrite?.resolve();
    }
    this.#wake();
  }

  #wake(): void {
    for (const resume of this.#readers.splice(0)) resume();
    for (const resume of this.#writers.splice(0)) resume();
  }

  #take(target: Uint8Array): number {
    const chunk = this.#chunks[0];
    const part = chunk.subarray(this.#offset, this.#offset + target.length);
    target.set(part);
    this.#offset += part.length;
    if (this.#offset === chunk.length) {
      this.#chunks.shift();
      this.#offset = 0;
      this.#untold += chunk.length;
      if (this.#untold >= TELL_AFTER) {
        this.#post({
          kind: "conn-consumed",
          id: this.#id,
          bytes: this.#untold,
        });
        this.#untold = 0;
      }
    }
    return part.length;
  }

  #setOption(option: "setNoDelay" | "setKeepAlive", value?: boolean): void {
    this.#checkOpen();
    this.#post({ kind: "conn-option", id: this.#id, option, value });
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError();
  }

  #throwWriteError(): void {
    if (this.#writeError) throw this.#writeError;
  }
}

function closedError(): Error {
  return new Deno.errors.BadResource(
    "The connection is closed: by close(), or with the end of its job",
  );
}
