// A connection in the worker to which it has moved: a `Deno.Conn` whatever it
// is made of.

import { type ConnSource, readableOf, writableOf } from "./conn_streams.ts";

/** What a connection is made of. */
export interface Socket extends ConnSource {
  read(target: Uint8Array): Promise<number | null>;
  /** Whether it is closed, by its handler or with the job. */
  readonly isClosed: boolean;
  setNoDelay(value: boolean | undefined): void;
  setKeepAlive(value: boolean | undefined): void;
  ref(isRef: boolean): void;
  handshake?(): Promise<Deno.TlsHandshakeInfo>;
}

/** The connection as its handler knows it. */
export class MovedConn implements Deno.TcpConn {
  /** As text until somebody asks for them. */
  #addresses: [Deno.NetAddr, Deno.NetAddr] | string;
  readonly #socket: Socket;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array<ArrayBufferLike>> | undefined;

  constructor(socket: Socket, addresses: string) {
    this.#socket = socket;
    this.#addresses = addresses;
  }

  // Which kind of address it is follows from the connection that moved.

  get localAddr(): Deno.NetAddr {
    return this.#parse()[0];
  }

  get remoteAddr(): Deno.NetAddr {
    return this.#parse()[1];
  }

  #parse(): [Deno.NetAddr, Deno.NetAddr] {
    if (typeof this.#addresses === "string") {
      this.#addresses = JSON.parse(this.#addresses) as [
        Deno.NetAddr,
        Deno.NetAddr,
      ];
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
    return this.#socket.read(target);
  }

  write(bytes: Uint8Array): Promise<number> {
    return this.#socket.write(bytes);
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

  setNoDelay(value?: boolean): void {
    if (this.#socket.isClosed) throw closedError();
    this.#socket.setNoDelay(value);
  }

  setKeepAlive(value?: boolean): void {
    if (this.#socket.isClosed) throw closedError();
    this.#socket.setKeepAlive(value);
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

/** The same of a connection with TLS. */
export class MovedTlsConn extends MovedConn {
  readonly #handshake: () => Promise<Deno.TlsHandshakeInfo>;

  constructor(socket: Socket, addresses: string) {
    super(socket, addresses);
    this.#handshake = () => socket.handshake!();
  }

  handshake(): Promise<Deno.TlsHandshakeInfo> {
    return this.#handshake();
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
