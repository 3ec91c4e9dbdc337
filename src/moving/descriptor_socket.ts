// A connection whose socket this worker uses by itself, by its descriptor.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { Op } from "../flow/op.ts";
import { adoptDescriptor, type SocketCore } from "./descriptor.ts";
import type { Arrival, MovedDescriptor } from "./moved.ts";
import {
  abortedError,
  closedError,
  type Conn,
  makeConn,
  type Socket,
} from "./moved_conn.ts";

const CHUNK = 64 * 1024;

/** The worker's end of a connection that moves as its descriptor. */
export class DescriptorSocket implements Socket, Arrival {
  readonly #channel = new Channel({}, { in: 0, out: 0 });
  readonly #fd: number;
  readonly value: Conn;
  onClosed: (() => void) | undefined;
  #core: SocketCore | undefined;
  #rid = 0;
  #isAborted = false;
  isClosed = false;

  constructor(link: Link, moved: MovedDescriptor) {
    this.#fd = moved.fd;
    this.#channel.join(link, moved.id);
    this.value = makeConn("tcp", this, moved.addresses);
  }

  get isOpen(): boolean {
    return !this.isClosed;
  }

  /** From here on the descriptor is this worker's; before, main may take it back. */
  start(): void {
    const { rid, core } = adoptDescriptor(this.#fd);
    this.#rid = rid;
    this.#core = core;
  }

  async read(target: Uint8Array): Promise<number | null> {
    if (target.length === 0) return 0;
    const core = this.#open();
    if (this.#isAborted) throw abortedError();
    return await core.read(this.#rid, target) || null;
  }

  async readChunk(): Promise<Uint8Array<ArrayBuffer> | null> {
    const buffer = new Uint8Array(CHUNK);
    const count = await this.read(buffer);
    return count === null ? null : buffer.subarray(0, count);
  }

  // deno-lint-ignore require-await
  async write(bytes: Uint8Array): Promise<number> {
    return this.#open().write(this.#rid, bytes);
  }

  // deno-lint-ignore require-await
  async closeWrite(): Promise<void> {
    return this.#open().shutdown(this.#rid);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    // A job that never started has adopted nothing.
    this.#core?.close(this.#rid);
    this.#channel.tell(Op.CLOSE);
    this.#channel.leave();
    this.onClosed?.();
  }

  abort(): void {
    this.#isAborted = true;
    if (!this.isClosed) this.#core?.cancelRead(this.#rid);
  }

  end(): void {
    this.close();
  }

  ref(): void {
    // A worker lives as long as its pool wants it to.
  }

  // Main has the same socket, and the means.

  setNoDelay(value: boolean | undefined): void {
    this.#channel.tell(Op.CALL, ["setNoDelay", value]);
  }

  setKeepAlive(value: boolean | undefined): void {
    this.#channel.tell(Op.CALL, ["setKeepAlive", value]);
  }

  #open(): SocketCore {
    if (this.isClosed || this.#core === undefined) throw closedError();
    return this.#core;
  }
}
