// The worker's end of a connection that moves as its descriptor: the worker uses the
// socket directly.

import { Channel } from "../flow/channel.ts";
import { FlowEvent } from "../flow/events.ts";
import type { Link } from "../flow/link.ts";
import { WINDOW } from "../flow/window.ts";
import type { About } from "./connection.ts";
import { adoptDescriptor, type SocketCore } from "./descriptor.ts";
import { type Arrival, Half } from "./kind.ts";
import {
  abortedError,
  closedError,
  type Connection,
  type ConnectionArrival,
  makeConnection,
} from "./moved_connection.ts";

const CHUNK = 64 * 1024;

/** A connection whose socket this worker uses directly. */
export class DescriptorArrival extends Half
  implements ConnectionArrival, Arrival {
  protected readonly channel = new Channel({}, { in: 0, out: 0 });
  readonly #fd: number;
  readonly value: Connection;
  #core: SocketCore | undefined;
  #rid = 0;
  #isAborted = false;
  /** Number of writes in progress. */
  #writes = 0;
  /** Bytes that can still be written after an abort: as many as in `"bytes"` mode. */
  #lastBytes = WINDOW;

  constructor(link: Link, id: number, about: About, fd: number) {
    super();
    this.#fd = fd;
    this.channel.join(link, id);
    this.value = makeConnection(this, about);
  }

  /** Adopts the descriptor. Until then, the main thread can take it back. */
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

  async write(bytes: Uint8Array): Promise<number> {
    const core = this.#open();
    if (this.#isAborted && (this.#lastBytes -= bytes.length) < 0) {
      throw abortedError();
    }
    this.#writes++;
    try {
      return await core.write(this.#rid, bytes);
    } finally {
      this.#writes--;
    }
  }

  // deno-lint-ignore require-await
  async closeWrite(): Promise<void> {
    return this.#open().shutdown(this.#rid);
  }

  close(): void {
    if (!this.isOpen) return;
    // A job that never started has not adopted the descriptor.
    this.#core?.close(this.#rid);
    this.channel.tell(FlowEvent.CLOSE);
    this.leave();
  }

  abort(): void {
    this.#isAborted = true;
    if (!this.isOpen) return;
    this.#core?.cancelRead(this.#rid);
    // Only closing ends a write that waits for a client that does not read.
    if (this.#writes > 0) this.close();
  }

  end(): void {
    this.close();
  }

  set(option: "setNoDelay" | "setKeepAlive", value?: boolean): void {
    // The main thread has the same socket, and the methods that set options.
    this.channel.tell(FlowEvent.CALL, [option, value]);
  }

  #open(): SocketCore {
    if (!this.isOpen || this.#core === undefined) throw closedError();
    return this.#core;
  }
}
