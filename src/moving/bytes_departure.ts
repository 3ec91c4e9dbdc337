// The main thread's end of a connection that moves as bytes: copies them between the
// socket and a channel.

import { BLOCK } from "../flow/blocks.ts";
import { Channel } from "../flow/channel.ts";
import { FlowEvent } from "../flow/events.ts";
import type { Link } from "../flow/link.ts";
import { WINDOW } from "../flow/window.ts";
import { packError } from "../values/pack_error.ts";
import {
  closeConnection,
  ONE_READ,
  type SocketAnswer,
  type SocketCall,
} from "./connection.ts";
import { ConnectionDeparture } from "./connection_departure.ts";
import { unwatch, watch, type Watched } from "./stalled_clients.ts";

const SMALL_READ = 4 * 1024;

/**
 * Free buffers for small reads. With them, a request on a kept-alive connection takes
 * 0.87 times the processor time (24 pairs); short connections take the same time.
 */
const spare: Uint8Array[] = [];
const MOST_SPARE = 256;

/** The main thread's end of a connection that moves as bytes. */
export class BytesDeparture extends ConnectionDeparture implements Watched {
  protected readonly channel: Channel;
  /** Whether the first read from the client has not ended. */
  isPending = true;
  #onReady: (() => void) | undefined;
  /** Whether to read large pieces, because the client sends much. */
  #isLarge = false;
  #isReading = false;
  #isWriting = false;
  /** Whether the connection closes as soon as everything is written. */
  #isClosing = false;
  watchNumber = 0;
  looks = 0;

  constructor(connection: Deno.Conn) {
    super(connection);
    this.channel = new Channel({
      changed: () => this.#write(),
      credited: () => this.#read(),
      closed: () => this.#finish(),
      failed: (error) => this.#fail(error),
      called: (call) => this.#call(call as SocketCall),
    }, { in: WINDOW, out: ONE_READ });
    this.#read();
  }

  send(link: Link): number {
    return this.channel.open(link, false);
  }

  whenReady(callback: () => void): void {
    this.#onReady = callback;
  }

  /** Closes the connection at once. */
  close(reason: unknown): void {
    if (!this.isOpen) return;
    this.channel.drop();
    this.channel.outlet.stop(reason);
    unwatch(this);
    closeConnection(this.connection);
    this.leave();
  }

  async #read(): Promise<void> {
    const { outlet } = this.channel;
    if (this.#isReading || outlet.hasEnded) return;
    this.#isReading = true;
    do {
      const buffer = this.#buffer();
      let count = 0;
      try {
        count = await this.connection.read(buffer) ?? 0;
      } catch (error) {
        if (this.isOpen) outlet.end({ thrown: error });
      }
      this.#send(buffer, count);
    } while (outlet.hasCredit && !outlet.hasEnded && !outlet.isStopped);
    this.#isReading = false;
    if (!this.isPending) return;
    this.isPending = false;
    this.#onReady?.();
  }

  #buffer(): Uint8Array {
    if (!this.#isLarge) return spare.pop() ?? new Uint8Array(SMALL_READ);
    return this.channel.takeBlock() ?? new Uint8Array(BLOCK);
  }

  /** Sends the bytes read into a buffer. A count of 0 is the end. */
  #send(buffer: Uint8Array, count: number): void {
    const { outlet } = this.channel;
    const isSmall = buffer.length === SMALL_READ;
    if (buffer.buffer instanceof SharedArrayBuffer) {
      this.channel.sendBlock(buffer, count);
    } else if (count > 0 && this.isOpen) {
      outlet.sendBytes(buffer.subarray(0, count), !isSmall);
    }
    if (count === 0) outlet.end();
    this.#isLarge = count === buffer.length ||
      this.#isLarge && count > SMALL_READ;
    if (isSmall && spare.length < MOST_SPARE) spare.push(buffer);
  }

  async #write(): Promise<void> {
    if (this.#isWriting) return;
    this.#isWriting = true;
    const { inlet } = this.channel;
    try {
      while (inlet.hasChunk) {
        const bytes = inlet.take() as Uint8Array;
        try {
          await this.#writeAll(bytes);
        } finally {
          this.channel.release(bytes);
        }
      }
      if (inlet.hasEnded && !this.#isClosing && this.isOpen) {
        await this.connection.closeWrite();
        this.channel.tell(FlowEvent.DONE);
      }
    } catch (error) {
      this.channel.tell(FlowEvent.STOP, packError(error));
    }
    this.#isWriting = false;
    if (this.#isClosing) this.close(undefined);
    else if (inlet.hasChunk) this.#write();
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) {
      const rest = written === 0 ? bytes : bytes.subarray(written);
      written += await this.connection.write(rest);
      this.looks = 0;
    }
  }

  /** Closes the connection once everything is written: the handler has closed it. */
  #finish(): void {
    this.#isClosing = true;
    if (this.#isWriting) watch(this);
    else this.#write();
  }

  /** Closes the connection if the worker ended before the handler closed it. */
  #fail(error: unknown): void {
    if (!this.#isClosing) this.close(error);
  }

  async #call([name, value]: SocketCall): Promise<void> {
    const connection = this.connection as Partial<
      Deno.TcpConn & Deno.TlsConn
    >;
    let answer: SocketAnswer;
    try {
      answer = { value: await connection[name]?.(value as boolean) };
    } catch (error) {
      answer = { error: packError(error) };
    }
    this.channel.tell(FlowEvent.CALL, answer);
  }
}
