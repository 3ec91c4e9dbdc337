// What a job reports while it runs, on its way back: the latest value, a few times
// a second, however many there are.

import { Channel } from "../flow/channel.ts";
import type { Link } from "../flow/link.ts";
import { WINDOW } from "../flow/window.ts";
import {
  type Arrival,
  type Departure,
  Half,
  type Moved,
  type MovingKind,
} from "./kind.ts";
import type { Clock, Timer } from "../values/clock.ts";
import { type Snapshot, snapshot } from "./snapshot.ts";
import { LEAST_OBJECT } from "./weigh.ts";
import { listOf } from "./yields.ts";

/** Where the reports of a job go. */
export interface MovedProgress extends Moved {
  kind: "progress";
  id: number;
}

/** Milliseconds between two reports, at least; what is replaced meanwhile never leaves. */
const EVERY = 20;

/** What jobs report, in the table of kinds. */
export const PROGRESS: MovingKind<ProgressDeparture, MovedProgress> = {
  depart: (progress) => progress,
  arrive: (link, moved) => new ProgressArrival(link, moved),
};

/** The end at which reports are heard. It departs with its job. */
export class ProgressDeparture extends Half
  implements Departure<MovedProgress> {
  protected readonly channel = new Channel({
    changed: () => this.#hear(),
    ended: () => this.leave(),
    failed: () => this.leave(),
  }, { in: WINDOW, out: 0 });
  readonly #listener: (value: unknown) => void;
  /** Whether the job's promise still waits. */
  #isWanted: () => boolean = () => true;
  /** The latest value, until the listener is called with it. */
  #latest: [unknown] | undefined;
  /** That of the link on which it was sent. */
  #clock: Clock | undefined;
  #timer: Timer | undefined;

  constructor(listener: (value: unknown) => void) {
    super();
    this.#listener = listener;
  }

  /** Tells nothing more once this does not hold. */
  hearWhile(isWanted: () => boolean): void {
    this.#isWanted = isWanted;
  }

  #hear(): void {
    const { inlet } = this.channel;
    // What is here was heard before the end.
    if (inlet.hasEnded) return;
    // Not at once: a job in a process could send report after report otherwise.
    this.#timer ??= this.#clock!.timers.setTimeout(() => this.#take(), EVERY);
    if (!this.#isWanted()) return;
    const isTold = this.#latest !== undefined;
    this.#latest = [listOf(inlet.all.at(-1))[0]];
    // The listener may call the pool, which is in the middle of something.
    if (!isTold) queueMicrotask(() => this.#tell());
  }

  /** Makes room for more. */
  #take(): void {
    this.#timer = undefined;
    const { inlet } = this.channel;
    while (inlet.hasChunk) inlet.take();
  }

  #tell(): void {
    const [value] = this.#latest!;
    this.#latest = undefined;
    try {
      this.#listener(value);
    } catch (error) {
      reportError(error);
    }
  }

  send(link: Link): MovedProgress {
    this.#clock = link.clock;
    return { kind: "progress", id: this.channel.open(link, true) };
  }

  close(): void {
    this.leave();
  }

  protected override leave(): void {
    this.#clock?.timers.clearTimeout(this.#timer);
    super.leave();
  }
}

/** The end at which a job reports. */
export class ProgressArrival extends Half implements Arrival {
  protected readonly channel = new Channel(
    { credited: () => this.#soon() },
    { in: 0, out: WINDOW },
  );
  readonly value = undefined;
  readonly #clock: Clock;
  /** The latest value, until it leaves. */
  #latest: Snapshot | undefined;
  #sentAt = -Infinity;
  #timer: Timer | undefined;

  constructor(link: Link, { id }: MovedProgress) {
    super();
    this.#clock = link.clock;
    this.channel.join(link, id);
  }

  report(value: unknown): void {
    if (!this.isOpen) return;
    this.#latest = snapshot(value, "progress");
    this.#soon();
  }

  /** Sends the latest value now, or as soon as may be. */
  #soon(): void {
    const latest = this.#latest;
    // What is left is for the last one.
    if (!latest || this.channel.outlet.credit <= sizeOf(latest)) return;
    const wait = this.#sentAt + EVERY - this.#clock.now();
    if (wait <= 0) this.flush();
    else {
      const { timers } = this.#clock;
      this.#timer ??= timers.setTimeout(() => this.#late(), wait);
    }
  }

  #late(): void {
    this.#timer = undefined;
    this.#soon();
  }

  /** Sends the latest value now. */
  flush(): void {
    this.#clock.timers.clearTimeout(this.#timer);
    this.#timer = undefined;
    const latest = this.#latest;
    const { outlet } = this.channel;
    if (latest === undefined || !this.isOpen || !outlet.hasCredit) return;
    this.#latest = undefined;
    this.#sentAt = this.#clock.now();
    const { value, isText, moves } = latest;
    const chunk = isText ? `[${value}]` : [value];
    outlet.send(chunk, moves, sizeOf(latest));
  }

  end(): void {
    this.flush();
    this.channel.outlet.end();
    this.leave();
  }
}

/** How much of the window a report takes: two find room, however large they are. */
function sizeOf({ size }: Snapshot): number {
  return Math.min(Math.max(size, LEAST_OBJECT), WINDOW / 2);
}
