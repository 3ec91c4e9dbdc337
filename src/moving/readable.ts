// A `ReadableStream` that moves: it is read in the thread that it leaves, as
// far as the other thread gives credit.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { AHEAD, WINDOW } from "../flow/window.ts";
import { sendChunk } from "./chunks.ts";
import type { Arrival, Departure, MovedReadable } from "./moved.ts";

/** A stream in the thread that it leaves. */
export class ReadableDeparture implements Departure {
  readonly #channel: Channel;
  readonly #bytes: boolean;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #credit: number;
  isOpen = true;
  onClosed: (() => void) | undefined;

  /** @param isOnce Whether it will be sent once, so that much of it may be sent with it */
  constructor(stream: ReadableStream<unknown>, isOnce: boolean) {
    this.#bytes = isByteStream(stream);
    this.#reader = stream.getReader();
    this.#credit = isOnce ? WINDOW : AHEAD;
    this.#channel = new Channel({}, { in: 0, out: this.#credit });
    this.#channel.outlet.onStop = (reason) => this.#cancel(reason);
    this.#pump();
  }

  send(link: Link, isOnce: boolean): MovedReadable {
    const id = this.#channel.open(link, isOnce);
    if (!this.isOpen) this.#channel.leave();
    return { kind: "readable", id, credit: this.#credit, bytes: this.#bytes };
  }

  takeBack(): void {
    this.#channel.leave();
  }

  close(reason: unknown): void {
    this.#channel.outlet.stop(reason);
  }

  async #pump(): Promise<void> {
    const { outlet } = this.#channel;
    try {
      for (;;) {
        if (!outlet.hasCredit) await outlet.until("hasCredit");
        if (outlet.isStopped) break;
        const { done, value } = await this.#reader.read();
        if (outlet.isStopped) break;
        if (done) {
          outlet.end();
          break;
        }
        const sent = sendChunk(outlet, value, this.#bytes);
        if (sent) await sent;
      }
    } catch (error) {
      outlet.end({ thrown: error });
      this.#cancel(error);
    }
    this.#channel.leave();
    this.isOpen = false;
    this.onClosed?.();
  }

  #cancel(reason: unknown): void {
    // A stream that has failed cannot be cancelled, nor need be.
    this.#reader.cancel(reason).catch(() => {});
  }
}

function isByteStream(stream: ReadableStream<unknown>): boolean {
  try {
    stream.getReader({ mode: "byob" }).releaseLock();
    return true;
  } catch {
    return false;
  }
}

/** A stream in the thread to which it has moved. */
export class ReadableArrival implements Arrival {
  readonly #channel: Channel;
  readonly #bytes: boolean;
  isOpen = true;
  onClosed: (() => void) | undefined;
  #stream: ReadableStream<unknown> | undefined;

  constructor(link: Link, { id, credit, bytes }: MovedReadable) {
    const leave = () => this.#leave();
    this.#channel = new Channel(
      { ended: leave, failed: leave },
      { in: credit, out: 0 },
    );
    this.#bytes = bytes;
    this.#channel.join(link, id);
  }

  /** The stream; made when first asked for. */
  get value(): ReadableStream<unknown> {
    return this.#stream ??= this.#makeStream();
  }

  #makeStream(): ReadableStream<unknown> {
    const source: UnderlyingDefaultSource<unknown> = {
      pull: (controller) => this.#pull(controller),
      cancel: (reason) => this.#stop(reason),
    };
    return this.#bytes
      ? new ReadableStream(
        { ...source, type: "bytes" } as UnderlyingByteSource,
        { highWaterMark: 0 },
      ) as ReadableStream<unknown>
      : new ReadableStream(source, { highWaterMark: 0 });
  }

  /** All of it as bytes, if it is here already; else nothing of it is taken. */
  takeAll(): Uint8Array<ArrayBuffer> | undefined {
    const { inlet } = this.#channel;
    if (!inlet.hasEnded || inlet.hasFailed) return undefined;
    const chunks = inlet.all;
    if (!chunks.every((chunk) => chunk instanceof Uint8Array)) return undefined;
    const bytes = chunks as Uint8Array[];
    return bytes.length === 1 ? new Uint8Array(bytes[0]) : concat(bytes);
  }

  end(): void {
    this.#stop(new Error("The job has ended"));
  }

  async #pull(controller: ReadableStreamDefaultController): Promise<void> {
    const { inlet } = this.#channel;
    if (!inlet.hasChunk) {
      inlet.open();
      await inlet.more();
    }
    if (inlet.hasChunk) return controller.enqueue(this.#take());
    if (inlet.hasFailed) throw inlet.error;
    controller.close();
    // Whoever reads into a buffer of his own gets it back.
    const { byobRequest } = controller as Partial<ReadableByteStreamController>;
    byobRequest?.respond(0);
  }

  #take(): unknown {
    const chunk = this.#channel.inlet.take();
    return chunk instanceof Uint8Array ? this.#channel.own(chunk) : chunk;
  }

  #stop(reason: unknown): void {
    if (this.isOpen) this.#channel.inlet.stop(reason);
    this.#leave();
  }

  #leave(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#channel.leave();
    this.onClosed?.();
  }
}

function concat(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
