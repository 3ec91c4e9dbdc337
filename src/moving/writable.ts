// Moves a `WritableStream`: chunks written in the thread where it arrives are written to
// the original in the thread that it leaves.

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

/** Description of a stream that is written where it arrives. */
export interface MovedWritable extends Moved {
  kind: "writable";
  id: number;
  /** Set if the stream has already ended, with an error if it failed. */
  ended: { error?: PackedError } | undefined;
}

/** The entry for writable streams in the table of kinds. */
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
  /** Set if the stream has ended by itself. */
  #ended: MovedWritable["ended"];
  /** Whether everything is written, and the stream is being closed or aborted. */
  #isEnding = false;

  constructor(stream: WritableStream<unknown>) {
    super();
    this.#writer = stream.getWriter();
    this.#writer.closed.then(
      () => this.#stop(() => new TypeError("The stream is closed"), {}),
      // The stream can fail while nothing is written to it.
      (error) => this.#stop(() => error, { error: packError(error) }),
    );
    this.#pour();
  }

  send(link: Link): MovedWritable {
    // A stream that has ended needs no channel.
    const id = this.#ended ? 0 : this.channel.open(link, true);
    return { kind: "writable", id, ended: this.#ended };
  }

  close(reason: unknown): void {
    if (!this.isOpen) return;
    this.channel.inlet.fail(reason);
    this.#abort(reason);
  }

  /** Aborts at once if the channel fails during the last write, which can then stop. */
  #failed(): void {
    const { inlet } = this.channel;
    if (inlet.hasFailed && !inlet.hasChunk) this.#abort(inlet.error);
  }

  #abort(reason: unknown): void {
    this.#writer.abort(reason).catch(() => {
      // `#pour()` handles the outcome.
    });
  }

  /** Stops the other end if the stream ended by itself. Only then makes the reason. */
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

/** A stream in the thread where it arrives. */
export class WritableArrival extends Half implements Arrival {
  protected readonly channel = new Channel(
    { stopped: (reason) => this.#fail(reason) },
    { in: 0, out: WINDOW },
  );
  readonly value: WritableStream<unknown>;
  #controller!: WritableStreamDefaultController;
  /** Number of chunks that are written but not sent. */
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
      // Called as soon as a chunk is written.
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

  /** Ends once everything the job wrote is sent, even if the job did not await that. */
  async #finishSent(): Promise<void> {
    if (this.#unsent > 0) return;
    try {
      await this.#finish();
      this.#controller.error(new Error("The job has ended"));
    } catch {
      // The other end handles the failure.
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
      // Without this chunk, the stream would be incomplete.
      this.#abort(error);
      throw error;
    }
    this.#unsent--;
    if (this.#isEnding) this.#finishSent();
    if (!outlet.hasCredit) await outlet.until("hasCredit");
    if (outlet.isStopped) throw outlet.stopReason;
  }
}
