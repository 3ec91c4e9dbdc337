// Moves a `ReadableStream`: reads it in the thread that it leaves, as long as the other
// thread gives credit.

import { setImmediate } from "node:timers";
import { concat } from "../flow/bytes.ts";
import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { AHEAD, WINDOW } from "../flow/window.ts";
import { sendChunk } from "./chunks.ts";
import {
  type Arrival,
  type Departure,
  Half,
  type Moved,
  type MovingKind,
} from "./kind.ts";

/** Time in ms for which a stream is read before other code can run. */
const TURN = 2;

/** Looks `Date` up on each call, so fake time makes tests independent of speed. */
const now = () => Date.now();

/** Description of a stream that is read where it arrives. */
export interface MovedReadable extends Moved {
  kind: "readable";
  id: number;
  /** Initial credit. */
  credit: number;
  /** Whether the stream is a byte stream. */
  bytes: boolean;
}

/** The entry for readable streams in the table of kinds. */
export const READABLE: MovingKind<ReadableStream, MovedReadable> = {
  whyStays: ({ locked }) => locked ? "is locked" : undefined,
  streamsOf: (stream) => [stream],
  depart: (stream, { isOnce }) => new ReadableDeparture(stream, isOnce),
  arrive: (link, moved) => new ReadableArrival(link, moved),
};

/** A stream in the thread that it leaves. */
export class ReadableDeparture extends Half
  implements Departure<MovedReadable> {
  protected readonly channel: Channel;
  readonly #bytes: boolean;
  readonly #reader: ReadableStreamDefaultReader<unknown>;
  readonly #isOnce: boolean;

  /** @param isOnce Whether the stream is sent only once, so more can be sent ahead */
  constructor(stream: ReadableStream<unknown>, isOnce: boolean) {
    super();
    this.#bytes = isByteStream(stream);
    this.#reader = stream.getReader();
    this.#isOnce = isOnce;
    const { outlet } = this.channel = new Channel(
      { stopped: (reason) => this.#cancel(reason) },
      { in: 0, out: this.#credit },
    );
    // The end is sent at once, even without credit.
    const last = () => outlet.last();
    this.#reader.closed.then(last, last);
    this.#pump();
  }

  get #credit(): number {
    return this.#isOnce ? WINDOW : AHEAD;
  }

  send(link: Link): MovedReadable {
    const id = this.channel.open(link, this.#isOnce);
    if (!this.isOpen) this.channel.leave();
    return { kind: "readable", id, credit: this.#credit, bytes: this.#bytes };
  }

  close(reason: unknown): void {
    this.channel.outlet.stop(reason);
  }

  async #pump(): Promise<void> {
    const { outlet } = this.channel;
    let begun = now();
    try {
      for (;;) {
        // A source that never waits would let no other code run.
        if (now() - begun >= TURN) {
          await new Promise<void>((resolve) => setImmediate(resolve));
          begun = now();
        }
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
    this.leave();
  }

  #cancel(reason: unknown): void {
    // A stream that has failed cannot be canceled, and does not need to be.
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

/** The controller of a default stream or a byte stream. */
type Controller =
  & ReadableStreamDefaultController
  & Partial<ReadableByteStreamController>;

/** A stream in the thread where it arrives. */
export class ReadableArrival extends Half implements Arrival {
  protected readonly channel: Channel;
  readonly #bytes: boolean;
  #stream: ReadableStream<unknown> | undefined;
  #controller: Controller | undefined;

  constructor(link: Link, { id, credit, bytes }: MovedReadable) {
    super();
    const ended = () => {
      this.#finish();
      this.leave();
    };
    this.channel = new Channel(
      { ended, failed: ended },
      { in: credit, out: 0 },
    );
    this.#bytes = bytes;
    this.channel.join(link, id);
  }

  /** The stream, made when first read. */
  get value(): ReadableStream<unknown> {
    if (this.#stream) return this.#stream;
    const source = {
      start: (controller: Controller) => {
        this.#controller = controller;
        this.#finish();
      },
      pull: () => this.#pull(),
      cancel: (reason: unknown) => this.#stop(() => reason),
      type: this.#bytes ? "bytes" : undefined,
    } as UnderlyingDefaultSource<unknown>;
    return this.#stream = new ReadableStream(source, { highWaterMark: 0 });
  }

  /** Returns the whole stream as bytes, or takes nothing if not everything is here. */
  takeAll(): Uint8Array<ArrayBuffer> | undefined {
    const { inlet } = this.channel;
    if (!inlet.hasEnded || inlet.hasFailed) return undefined;
    const chunks = inlet.all;
    if (!chunks.every((chunk) => chunk instanceof Uint8Array)) return undefined;
    return concat(chunks);
  }

  /** Fails the stream, and the reads that wait for it. */
  abort(reason: unknown): void {
    this.#stop(() => reason);
  }

  end(): void {
    this.#stop(() => new Error("The job has ended"));
  }

  async #pull(): Promise<void> {
    const { inlet } = this.channel;
    // The reader will also need the next chunk, or the end.
    inlet.open();
    if (!inlet.hasChunk) await inlet.more();
    if (inlet.hasChunk) {
      const chunk = inlet.take();
      this.#controller!.enqueue(
        chunk instanceof Uint8Array ? this.channel.own(chunk) : chunk,
      );
    }
    this.#finish();
  }

  /** Ends the stream as soon as everything has been read, without another read. */
  #finish(): void {
    const { inlet } = this.channel;
    const controller = this.#controller;
    if (controller === undefined || inlet.hasChunk || !inlet.hasEnded) return;
    // Chunks in the stream's queue are read first. An error would drop them, and a reader
    // that asks for more bytes than are left would get an error instead of the bytes.
    const isRead = controller.desiredSize! >= 0;
    if (!isRead && (this.#bytes || inlet.hasFailed)) return;
    this.#controller = undefined;
    if (inlet.hasFailed) return controller.error(inlet.error);
    try {
      controller.close();
      // Returns the buffer of a reader that supplied one.
      controller.byobRequest?.respond(0);
    } catch {
      // The reader's buffer holds half an element, so `close()` has failed the stream.
    }
  }

  /** @param reason Called only if needed: an error costs more than a few chunks */
  #stop(reason: () => unknown): void {
    if (this.isOpen) this.channel.inlet.stop(reason());
    this.#finish();
    this.leave();
  }
}
