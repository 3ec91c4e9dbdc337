// Main's end of a moved connection: it carries bytes between the socket and a
// channel.

import { packError } from "../values/error_codec.ts";
import { BLOCK } from "../flow/blocks.ts";
import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { Op } from "../flow/op.ts";
import { WINDOW } from "../flow/window.ts";
import {
  type Departure,
  type MovedConnection,
  ONE_READ,
  type SocketAnswer,
  type SocketCall,
} from "./moved.ts";
import {
  addressesOf,
  closeConnection,
  kindOfConnection,
} from "./owned_connections.ts";
import { unwatch, watch, type Watched } from "./patience.ts";

const SMALL_READ = 4 * 1024;
const LARGE_READ = BLOCK;

/** Buffers for reads that are not used now: short connections need no more than one read. */
const spare: Uint8Array[] = [];
const SPARE = 256;

/** A connection that moves as bytes. */
export class ConnectionHost implements Departure, Watched {
  readonly #conn: Deno.Conn;
  readonly #channel: Channel;
  /** Whether the client sends much, so that it is read in large pieces. */
  #isLarge = false;
  #isReading = false;
  #isWriting = false;
  /** Whether it closes as soon as all is written. */
  #isClosing = false;
  place: number | undefined;
  seen = 0;
  isOpen = true;
  onClosed: (() => void) | undefined;
  /** Whether the client has not been heard of. */
  isPending = true;
  onReady: (() => void) | undefined;

  constructor(conn: Deno.Conn) {
    this.#conn = conn;
    const { inlet, outlet } = this.#channel = new Channel({
      closed: () => this.#finish(),
      failed: (error) => this.#fail(error),
      called: (call) => this.#call(call as SocketCall),
    }, { in: WINDOW, out: ONE_READ });
    inlet.onChange = () => this.#write();
    outlet.onCredit = () => this.#read();
    this.#read();
  }

  send(link: Link): MovedConnection {
    const id = this.#channel.open(link, false);
    const type = kindOfConnection(this.#conn);
    const addresses = addressesOf(this.#conn);
    return { kind: "connection", type, id, addresses };
  }

  takeBack(): void {
    this.#channel.leave();
  }

  /** Closes the connection at once. */
  close(reason: unknown): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#channel.leave();
    this.#channel.outlet.stop(reason);
    unwatch(this);
    closeConnection(this.#conn);
    this.onClosed?.();
  }

  async #read(): Promise<void> {
    const { outlet } = this.#channel;
    if (this.#isReading || outlet.hasEnded) return;
    this.#isReading = true;
    do {
      const buffer = this.#buffer();
      try {
        this.#send(buffer, await this.#conn.read(buffer) ?? 0);
      } catch (error) {
        if (this.isOpen) outlet.end({ thrown: error });
        this.#send(buffer, 0);
      }
    } while (outlet.hasCredit && !outlet.hasEnded && !outlet.isStopped);
    this.#isReading = false;
    this.#ready();
  }

  #buffer(): Uint8Array {
    if (!this.#isLarge) return spare.pop() ?? new Uint8Array(SMALL_READ);
    return this.#channel.takeBlock() ?? new Uint8Array(LARGE_READ);
  }

  /** Sends what has been read into a buffer: nothing, at the end. */
  #send(buffer: Uint8Array, count: number): void {
    const { outlet } = this.#channel;
    if (buffer.buffer instanceof SharedArrayBuffer) {
      this.#channel.sendBlock(buffer, count);
    } else if (count > 0 && this.isOpen) {
      outlet.sendBytes(buffer.subarray(0, count), buffer.length > SMALL_READ);
    }
    if (count === 0) outlet.end();
    this.#isLarge = count === buffer.length ||
      this.#isLarge && count > SMALL_READ;
    if (buffer.length === SMALL_READ && spare.length < SPARE) {
      spare.push(buffer);
    }
  }

  #ready(): void {
    if (!this.isPending) return;
    this.isPending = false;
    this.onReady?.();
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const { inlet } = this.#channel;
    try {
      while (inlet.hasChunk) {
        const bytes = inlet.take() as Uint8Array;
        try {
          await this.#writeAll(bytes);
        } finally {
          this.#channel.release(bytes);
        }
      }
      if (inlet.hasEnded && !this.#isClosing && this.isOpen) {
        await this.#conn.closeWrite();
        this.#channel.tell(Op.DONE);
      }
    } catch (error) {
      this.#channel.tell(Op.STOP, packError(error));
    }
    this.#isWriting = false;
    if (this.#isClosing) this.close(undefined);
    else if (inlet.hasChunk) this.#write();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const rest = written === 0 ? bytes : bytes.subarray(written);
      written += await this.#conn.write(rest);
      this.seen = 0;
    }
  }

  /** Closes the connection once all is written that the handler has written. */
  #finish(): void {
    this.#isClosing = true;
    // A client that takes nothing any more is not waited for without end.
    if (this.#isWriting) watch(this);
    else this.#write();
  }

  /** The worker is gone; what it wrote before it closed the connection still goes out. */
  #fail(error: unknown): void {
    if (!this.#isClosing) this.close(error);
  }

  giveUp(): void {
    this.close(undefined);
  }

  async #call([name, value]: SocketCall): Promise<void> {
    const conn = this.#conn as Partial<Deno.TcpConn & Deno.TlsConn>;
    let answer: SocketAnswer;
    try {
      answer = { value: await conn[name]?.(value as boolean) };
    } catch (error) {
      answer = { error: packError(error) };
    }
    this.#channel.tell(Op.ANSWER, answer);
  }
}
