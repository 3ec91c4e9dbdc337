// A `WritableStream` that moves: it is written in the thread that it leaves,
// with what is written to it in the other.

import { packError } from "../error_codec.ts";
import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { Op } from "../flow/op.ts";
import { WINDOW } from "../flow/window.ts";
import { sendChunk } from "./chunks.ts";
import type { Arrival, Departure, MovedWritable } from "./moved.ts";

/** A stream in the thread that it leaves. */
export class WritableDeparture implements Departure {
  readonly #channel = new Channel({}, { in: WINDOW, out: 0 });
  readonly #writer: WritableStreamDefaultWriter<unknown>;
  isOpen = true;
  onClosed: (() => void) | undefined;

  constructor(stream: WritableStream<unknown>) {
    this.#writer = stream.getWriter();
    // One that fails while nothing is written to it, too, wants nothing more.
    this.#writer.closed.catch((error) => this.#channel.inlet.stop(error));
    this.#pour();
  }

  send(link: Link): MovedWritable {
    return { kind: "writable", id: this.#channel.open(link, true) };
  }

  takeBack(): void {
    this.#channel.leave();
  }

  close(reason: unknown): void {
    this.#channel.inlet.fail(reason);
  }

  async #pour(): Promise<void> {
    const { inlet } = this.#channel;
    try {
      for (;;) {
        if (!inlet.hasChunk) await inlet.more();
        if (!inlet.hasChunk) break;
        await this.#writer.write(inlet.take());
      }
      if (inlet.hasFailed) await this.#writer.abort(inlet.error);
      else {
        await this.#writer.close();
        this.#channel.tell(Op.DONE);
      }
    } catch (error) {
      this.#channel.tell(Op.STOP, packError(error));
    }
    this.#channel.leave();
    this.isOpen = false;
    this.onClosed?.();
  }
}

/** A stream in the thread to which it has moved. */
export class WritableArrival implements Arrival {
  readonly #channel = new Channel({}, { in: 0, out: WINDOW });
  readonly value: WritableStream<unknown>;
  /** How many chunks have been written and not been sent. */
  #unsent = 0;
  /** Whether the job has ended. */
  #isEnding = false;
  isOpen = true;
  onClosed: (() => void) | undefined;

  constructor(link: Link, { id }: MovedWritable) {
    this.#channel.join(link, id);
    const { outlet } = this.#channel;
    this.value = new WritableStream({
      start: (controller) => {
        outlet.onStop = (reason) => {
          controller.error(reason);
          this.#leave();
        };
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.#finish(),
      abort: (reason) => this.#abort(reason),
    }, {
      highWaterMark: 1,
      // It is asked as soon as a chunk is written.
      size: () => (this.#unsent++, 1),
    });
  }

  end(failure?: { thrown: unknown }): void {
    if (!this.isOpen) return;
    this.#isEnding = true;
    if (failure) this.#abort(failure.thrown);
    else this.#finishSent();
  }

  /** Ends once all is sent that the job has written, whether or not it has waited for that. */
  #finishSent(): void {
    if (this.#unsent > 0) return;
    this.#finish().catch(() => {
      // Nobody waits for it; who does, does so at the other end.
    });
  }

  async #finish(): Promise<void> {
    try {
      await this.#channel.outlet.finish();
    } finally {
      this.#leave();
    }
  }

  #abort(reason: unknown): void {
    this.#channel.outlet.end({ thrown: reason });
    this.#leave();
  }

  async #write(chunk: unknown): Promise<void> {
    const { outlet } = this.#channel;
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
  }

  #leave(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#channel.leave();
    this.onClosed?.();
  }
}
