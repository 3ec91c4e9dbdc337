// A connection in the worker to which it has moved: a `Deno.TcpConn`, a
// `Deno.UnixConn` or a `Deno.TlsConn`, whatever it is made of.

import { expected } from "../expected.ts";
import type { ConnKind } from "./moved.ts";
import { type ConnSource, readableOf, writableOf } from "./conn_streams.ts";

/** What a connection is made of. */
export interface Socket extends ConnSource {
  /** Whether it is closed, by its handler or with the job. */
  readonly isClosed: boolean;
  setNoDelay(value: boolean | undefined): void;
  setKeepAlive(value: boolean | undefined): void;
  ref(isRef: boolean): void;
  handshake?(): Promise<Deno.TlsHandshakeInfo>;
}

/** Makes the connection of a kind. */
export function makeConn(
  kind: ConnKind,
  socket: Socket,
  addresses: string,
): Conn {
  switch (kind) {
    case "tcp":
      return new TcpConn(socket, addresses);
    case "tls":
      return new TlsConn(socket, addresses);
    case "unix":
      return new UnixConn(socket, addresses);
  }
}

/** What its handler may do with a connection of any kind. */
export class Conn<A extends Deno.Addr = Deno.Addr> implements Deno.Conn<A> {
  /** As text until somebody asks for them. */
  #addresses: [A, A] | string;
  readonly #socket: Socket;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  constructor(socket: Socket, addresses: string) {
    this.#socket = socket;
    this.#addresses = addresses;
  }

  // Which kind of address it is follows from the connection that moved.

  get localAddr(): A {
    return this.#parse()[0];
  }

  get remoteAddr(): A {
    return this.#parse()[1];
  }

  #parse(): [A, A] {
    if (typeof this.#addresses === "string") {
      this.#addresses = JSON.parse(this.#addresses) as [A, A];
    }
    return this.#addresses;
  }

  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableOf(this.#socket);
  }

  get writable(): WritableStream<Uint8Array<ArrayBufferLike>> {
    return this.#writable ??= writableOf(this.#socket);
  }

  read(target: Uint8Array): Promise<number | null> {
    return target instanceof Uint8Array
      ? this.#socket.read(target)
      : Promise.reject(expected("target", "a Uint8Array", target));
  }

  write(bytes: Uint8Array): Promise<number> {
    return bytes instanceof Uint8Array
      ? this.#socket.write(bytes)
      : Promise.reject(expected("bytes", "a Uint8Array", bytes));
  }

  closeWrite(): Promise<void> {
    return this.#socket.closeWrite();
  }

  close(): void {
    if (this.#socket.isClosed) throw closedError();
    this.#socket.close();
  }

  ref(): void {
    this.#socket.ref(true);
  }

  unref(): void {
    this.#socket.ref(false);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

// They have the names of Deno's own classes, which are not exposed.

/** A connection over TCP. */
class TcpConn extends Conn<Deno.NetAddr> implements Deno.TcpConn {
  readonly #socket: Socket;

  constructor(socket: Socket, addresses: string) {
    super(socket, addresses);
    this.#socket = socket;
  }

  setNoDelay(value?: boolean): void {
    if (this.#socket.isClosed) throw closedError();
    this.#socket.setNoDelay(value);
  }

  setKeepAlive(value?: boolean): void {
    if (this.#socket.isClosed) throw closedError();
    this.#socket.setKeepAlive(value);
  }
}

/** A connection over a unix socket. */
class UnixConn extends Conn<Deno.UnixAddr> implements Deno.UnixConn {}

/** A connection with TLS. */
class TlsConn extends Conn<Deno.NetAddr> implements Deno.TlsConn {
  readonly #socket: Socket;

  constructor(socket: Socket, addresses: string) {
    super(socket, addresses);
    this.#socket = socket;
  }

  handshake(): Promise<Deno.TlsHandshakeInfo> {
    return this.#socket.handshake!();
  }
}

/** The error of who uses a connection that is closed. */
export function closedError(): Error {
  return new Deno.errors.BadResource(
    "The connection is closed: by close(), or with the end of its job",
  );
}

/** The error of who waits for a connection that is being closed. */
export function interruptedError(): Error {
  return new Deno.errors.Interrupted("operation canceled");
}

/** What becomes of reads once the caller has aborted the job. */
export function abortedError(): Error {
  return new Deno.errors.Interrupted("The job was aborted");
}
