// A `ReadableStream` moves by being read in the thread that it leaves, as far as
// the other thread gives credit.

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

/** Milliseconds for which a stream is read before others get their turn. */
const TURN = 2;

/** Faked time stands still: then nothing depends on how fast this runs. */
const now = () => Date.now();

/** A stream that is read where it arrives. */
export interface MovedReadable extends Moved {
  kind: "readable";
  id: number;
  /** How much may come from the start. */
  credit: number;
  /** Whether it is a stream of bytes. */
  bytes: boolean;
}

/** Readable streams in the table of kinds. */
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

  /** @param isOnce Whether it will be sent once, so that much of it may be sent with it */
  constructor(stream: ReadableStream<unknown>, isOnce: boolean) {
    super();
    this.#bytes = isByteStream(stream);
    this.#reader = stream.getReader();
    this.#isOnce = isOnce;
    const { outlet } = this.channel = new Channel(
      { stopped: (reason) => this.#cancel(reason) },
      { in: 0, out: this.#credit },
    );
    // An end is told at once, whether or not there is credit for more.
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
        // A source that has all at hand, or computes it, would let nothing else run.
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
    // A stream that has failed cannot be canceled, nor need be.
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

/** Of a stream of any kind. */
type Controller =
  & ReadableStreamDefaultController
  & Partial<ReadableByteStreamController>;

/** A stream in the thread to which it has moved. */
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

  /** The stream; made when first asked for. */
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

  /** All of it as bytes, if it is here already; else nothing of it is taken. */
  takeAll(): Uint8Array<ArrayBuffer> | undefined {
    const { inlet } = this.channel;
    if (!inlet.hasEnded || inlet.hasFailed) return undefined;
    const chunks = inlet.all;
    if (!chunks.every((chunk) => chunk instanceof Uint8Array)) return undefined;
    return concat(chunks);
  }

  /** What its reader waits for does not come. */
  abort(reason: unknown): void {
    this.#stop(() => reason);
  }

  end(): void {
    this.#stop(() => new Error("The job has ended"));
  }

  async #pull(): Promise<void> {
    const { inlet } = this.channel;
    // Its reader will want to know what follows, if only that nothing does.
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

  /** Ends the stream as soon as nothing follows what has been read, without another read. */
  #finish(): void {
    const { inlet } = this.channel;
    const controller = this.#controller;
    if (controller === undefined || inlet.hasChunk || !inlet.hasEnded) return;
    // What waits in the stream is read first: an error would drop it, and a reader
    // that asks for more bytes than are left would get an error instead of them.
    const isRead = controller.desiredSize! >= 0;
    if (!isRead && (this.#bytes || inlet.hasFailed)) return;
    this.#controller = undefined;
    if (inlet.hasFailed) return controller.error(inlet.error);
    try {
      controller.close();
      // A reader that has brought a buffer gets it back.
      controller.byobRequest?.respond(0);
    } catch {
      // Its buffer holds half an element: by this, the stream has failed.
    }
  }

  /** @param reason Made only if it is told: an error costs more than a small stream's chunks */
  #stop(reason: () => unknown): void {
    if (this.isOpen) this.channel.inlet.stop(reason());
    this.#finish();
    this.leave();
  }
}
