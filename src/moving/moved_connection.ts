// The connection that a handler gets: a `Deno.TcpConn`, a `Deno.UnixConn` or a
// `Deno.TlsConn`, for any way in which the connection moves.

import { expected } from "../expected.ts";
import { deno } from "../values/intrinsics.ts";
import type { About } from "./connection.ts";

/** The worker's end of a connection. */
export interface ConnectionArrival {
  /** Whether neither the handler nor the end of the job has closed the connection. */
  readonly isOpen: boolean;
  /** Reads at most as many bytes as the target holds. Returns `null` at the end. */
  read(target: Uint8Array): Promise<number | null>;
  /** Returns the next bytes, in a buffer that nothing else uses, or `null` at the end. */
  readChunk(): Promise<Uint8Array<ArrayBuffer> | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  set(option: "setNoDelay" | "setKeepAlive", value?: boolean): void;
  handshake?(): Promise<Deno.TlsHandshakeInfo>;
}

/** Makes the connection that a handler gets. */
export function makeConnection(
  end: ConnectionArrival,
  about: About,
): Connection {
  return new CLASSES[about[0]](end, about);
}

/** Returns the end of a connection, which is hidden from the handler. */
let endOf: (connection: Connection) => ConnectionArrival;

/** The members that connections of all classes have. */
export class Connection<A extends Deno.Addr = Deno.Addr>
  implements Deno.Conn<A> {
  readonly #end: ConnectionArrival;
  readonly #about: About;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  static {
    endOf = (connection) => connection.#end;
  }

  constructor(end: ConnectionArrival, about: About) {
    this.#end = end;
    this.#about = about;
  }

  get localAddr(): A {
    return this.#about[1] as A;
  }

  get remoteAddr(): A {
    return this.#about[2] as A;
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(this.#end);
  }

  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= writableOf(this.#end);
  }

  read(target: Uint8Array): Promise<number | null> {
    return target instanceof Uint8Array
      ? this.#end.read(target)
      : Promise.reject(expected("target", "a Uint8Array", target));
  }

  write(bytes: Uint8Array): Promise<number> {
    return bytes instanceof Uint8Array
      ? this.#end.write(bytes)
      : Promise.reject(expected("bytes", "a Uint8Array", bytes));
  }

  closeWrite(): Promise<void> {
    return this.#end.closeWrite();
  }

  close(): void {
    if (!this.#end.isOpen) throw closedError();
    this.#end.close();
  }

  ref(): void {
    // No effect: the pool decides how long a worker lives.
  }

  unref(): void {
    // See `ref()`.
  }

  [Symbol.dispose](): void {
    this.#end.close();
  }
}

// These classes have the names of Deno's own classes, which Deno does not expose.

class TcpConn extends Connection<Deno.NetAddr> implements Deno.TcpConn {
  setNoDelay(value?: boolean): void {
    setOption(this, "setNoDelay", value);
  }

  setKeepAlive(value?: boolean): void {
    setOption(this, "setKeepAlive", value);
  }
}

class UnixConn extends Connection<Deno.UnixAddr> implements Deno.UnixConn {}

class TlsConn extends Connection<Deno.NetAddr> implements Deno.TlsConn {
  handshake(): Promise<Deno.TlsHandshakeInfo> {
    return endOf(this).handshake!();
  }
}

const CLASSES = { tcp: TcpConn, unix: UnixConn, tls: TlsConn };

function setOption(
  connection: TcpConn,
  option: "setNoDelay" | "setKeepAlive",
  value: boolean | undefined,
): void {
  const end = endOf(connection);
  if (!end.isOpen) throw closedError();
  end.set(option, value);
}

function readableOf(
  end: ConnectionArrival,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    pull: (controller) => pull(end, controller),
    cancel: () => end.close(),
  }, { highWaterMark: 0 });
}

async function pull(
  end: ConnectionArrival,
  controller: ReadableByteStreamController,
): Promise<void> {
  const { byobRequest } = controller;
  if (byobRequest) {
    // Bytes that do not fit into the reader's buffer stay for later reads.
    const count = await end.read(byobRequest.view as Uint8Array);
    if (count !== null) return byobRequest.respond(count);
  } else {
    const chunk = await end.readChunk();
    if (chunk !== null) return controller.enqueue(chunk);
  }
  controller.close();
  controller.byobRequest?.respond(0);
}

function writableOf(
  end: ConnectionArrival,
): WritableStream<Uint8Array<ArrayBufferLike>> {
  return new WritableStream({
    write: (chunk) => writeAll(end, chunk),
    close: () => end.closeWrite(),
    abort: () => end.close(),
  });
}

async function writeAll(end: ConnectionArrival, chunk: unknown): Promise<void> {
  try {
    const bytes = bytesOf(chunk);
    let written = await end.write(bytes);
    while (written < bytes.length) {
      written += await end.write(bytes.subarray(written));
    }
  } catch (error) {
    // A failed stream closes the connection, as in Deno.
    end.close();
    throw error;
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  if (chunk instanceof ArrayBuffer || chunk instanceof SharedArrayBuffer) {
    return new Uint8Array(chunk);
  }
  throw expected("chunk", "an ArrayBuffer or a view of one", chunk);
}

/** Returns the error for using a closed connection. */
export function closedError(): Error {
  return new deno.errors.BadResource(
    "The connection is closed: by close(), or with the end of its job",
  );
}

/** Returns the error for operations that wait while the connection closes. */
export function interruptedError(): Error {
  return new deno.errors.Interrupted("operation canceled");
}

/** Returns the error for using a connection after the caller has aborted the job. */
export function abortedError(): Error {
  return new deno.errors.Interrupted("The job was aborted");
}
