// A `WritableStream` moves by being written to in the thread that it leaves, with
// what is written in the other.

import { Channel } from "../flow/channel.ts";
import { FlowEvent } from "../flow/events.ts";
import type { Link } from "../flow/link.ts";
import { WINDOW } from "../flow/window.ts";
import { packError } from "../values/pack_error.ts";
import { type PackedError, unpackError } from "../values/unpack_error.ts";
import { sendChunk } from "./chunks.ts";
import {
  type Arrival,
  type Departure,
  Half,
  type Moved,
  type MovingKind,
} from "./kind.ts";

/** A stream that is written where it arrives. */
export interface MovedWritable extends Moved {
  kind: "writable";
  id: number;
  /** Set if it has ended already: with an error, if it has failed. */
  ended: { error?: PackedError } | undefined;
}

/** Writable streams in the table of kinds. */
export const WRITABLE: MovingKind<WritableStream, MovedWritable> = {
  whyStays: ({ locked }) => locked ? "is locked" : undefined,
  streamsOf: (stream) => [stream],
  depart: (stream) => new WritableDeparture(stream),
  arrive: (link, moved) => new WritableArrival(link, moved),
};

/** A stream in the thread that it leaves. */
export class WritableDeparture extends Half
  implements Departure<MovedWritable> {
  protected readonly channel = new Channel({
    ended: () => this.#failed(),
    failed: () => this.#failed(),
  }, { in: WINDOW, out: 0 });
  readonly #writer: WritableStreamDefaultWriter<unknown>;
  /** How it has ended by itself, if it has. */
  #ended: MovedWritable["ended"];
  /** Whether all is written, and the stream is being closed or aborted. */
  #isEnding = false;

  constructor(stream: WritableStream<unknown>) {
    super();
    this.#writer = stream.getWriter();
    this.#writer.closed.then(
      () => this.#stop(() => new TypeError("The stream is closed"), {}),
      // It may fail while nothing is written to it.
      (error) => this.#stop(() => error, { error: packError(error) }),
    );
    this.#pour();
  }

  send(link: Link): MovedWritable {
    // Then there is nothing to be told.
    const id = this.#ended ? 0 : this.channel.open(link, true);
    return { kind: "writable", id, ended: this.#ended };
  }

  close(reason: unknown): void {
    if (!this.isOpen) return;
    this.channel.inlet.fail(reason);
    this.#abort(reason);
  }

  /** A sink that is at its last chunk hears at once that nothing follows, and may give that up. */
  #failed(): void {
    const { inlet } = this.channel;
    if (inlet.hasFailed && !inlet.hasChunk) this.#abort(inlet.error);
  }

  #abort(reason: unknown): void {
    this.#writer.abort(reason).catch(() => {
      // What comes of it is seen where the end is waited for.
    });
  }

  /** Nothing more can be written, and not since it is all: then no reason is made. */
  #stop(reason: () => unknown, ended: MovedWritable["ended"]): void {
    if (this.#isEnding) return;
    this.#ended = ended;
    this.channel.inlet.stop(reason());
  }

  async #pour(): Promise<void> {
    const { inlet } = this.channel;
    try {
      for (;;) {
        if (!inlet.hasChunk) await inlet.more();
        if (!inlet.hasChunk) break;
        const chunk = inlet.take();
        await this.#writer.write(
          chunk instanceof Uint8Array ? this.channel.own(chunk) : chunk,
        );
      }
      this.#isEnding = true;
      if (inlet.hasFailed) await this.#writer.abort(inlet.error);
      else await this.#writer.close();
      this.channel.tell(FlowEvent.DONE);
    } catch (error) {
      inlet.stop(error);
    }
    this.leave();
  }
}

/** A stream in the thread to which it has moved. */
export class WritableArrival extends Half implements Arrival {
  protected readonly channel = new Channel(
    { stopped: (reason) => this.#fail(reason) },
    { in: 0, out: WINDOW },
  );
  readonly value: WritableStream<unknown>;
  #controller!: WritableStreamDefaultController;
  /** How many chunks have been written and not been sent. */
  #unsent = 0;
  /** Whether the job has ended. */
  #isEnding = false;

  constructor(link: Link, { id, ended }: MovedWritable) {
    super();
    this.value = new WritableStream({
      start: (controller) => void (this.#controller = controller),
      write: (chunk) => this.#write(chunk),
      close: () => this.isOpen ? this.#finish() : undefined,
      abort: (reason) => this.#abort(reason),
    }, {
      highWaterMark: 1,
      // It is asked as soon as a chunk is written.
      size: () => (this.#unsent++, 1),
    });
    if (!ended) this.channel.join(link, id);
    else this.#end(ended);
  }

  #end({ error }: NonNullable<MovedWritable["ended"]>): void {
    this.isOpen = false;
    if (error) this.#controller.error(unpackError(error));
    else this.value.close();
  }

  end(failure?: { thrown: unknown }): void {
    if (!this.isOpen) return;
    this.#isEnding = true;
    if (failure) {
      this.#abort(failure.thrown);
      this.#controller.error(failure.thrown);
    } else this.#finishSent();
  }

  /** Ends once all is sent that the job has written, whether or not it has waited for that. */
  async #finishSent(): Promise<void> {
    if (this.#unsent > 0) return;
    try {
      await this.#finish();
      this.#controller.error(new Error("The job has ended"));
    } catch {
      // Its end is waited for at the other end.
    }
  }

  async #finish(): Promise<void> {
    try {
      await this.channel.outlet.finish();
    } finally {
      this.leave();
    }
  }

  #fail(reason: unknown): void {
    this.#controller.error(reason);
    this.leave();
  }

  #abort(reason: unknown): void {
    this.channel.outlet.end({ thrown: reason });
    this.leave();
  }

  async #write(chunk: unknown): Promise<void> {
    const { outlet } = this.channel;
    try {
      await sendChunk(outlet, chunk, false);
    } catch (error) {
      // Without this chunk the rest is not what was written.
      this.#abort(error);
      throw error;
    }
    this.#unsent--;
    if (this.#isEnding) this.#finishSent();
    if (!outlet.hasCredit) await outlet.until("hasCredit");
    if (outlet.isStopped) throw outlet.stopReason;
  }
}
