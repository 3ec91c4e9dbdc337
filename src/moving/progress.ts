// Sends the values that a job reports to its caller: only the latest value, about 50
// times a second, however many reports there are.

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

/** Description of the channel for the reports of a job. */
export interface MovedProgress extends Moved {
  kind: "progress";
  id: number;
}

/** Minimum time in ms between two reports. Values replaced in that time are not sent. */
const EVERY = 20;

/** The entry for reports in the table of kinds. */
export const PROGRESS: MovingKind<ProgressDeparture, MovedProgress> = {
  depart: (progress) => progress,
  arrive: (link, moved) => new ProgressArrival(link, moved),
};

/** The end that receives reports. It departs with its job. */
export class ProgressDeparture extends Half
  implements Departure<MovedProgress> {
  protected readonly channel = new Channel({
    changed: () => this.#hear(),
    ended: () => this.leave(),
    failed: () => this.leave(),
  }, { in: WINDOW, out: 0 });
  readonly #listener: (value: unknown) => void;
  /** Whether the job's promise has not settled. */
  #isWanted: () => boolean = () => true;
  /** The latest value, until the listener is called with it. */
  #latest: [unknown] | undefined;
  /** The clock of the link through which the job was sent. */
  #clock: Clock | undefined;
  #timer: Timer | undefined;

  constructor(listener: (value: unknown) => void) {
    super();
    this.#listener = listener;
  }

  /** Stops calling the listener once the condition is false. */
  hearWhile(isWanted: () => boolean): void {
    this.#isWanted = isWanted;
  }

  #hear(): void {
    const { inlet } = this.channel;
    // The chunks here were received before the end.
    if (inlet.hasEnded) return;
    // Delayed: otherwise, a job in a process could send reports without limit.
    this.#timer ??= this.#clock!.timers.setTimeout(() => this.#take(), EVERY);
    if (!this.#isWanted()) return;
    const isTold = this.#latest !== undefined;
    this.#latest = [listOf(inlet.all.at(-1))[0]];
    // Not now, because the listener can call the pool, which is busy here.
    if (!isTold) queueMicrotask(() => this.#tell());
  }

  /** Takes the received reports, which gives credit for more. */
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

/** The job's end, which sends reports. */
export class ProgressArrival extends Half implements Arrival {
  protected readonly channel = new Channel(
    { credited: () => this.#soon() },
    { in: 0, out: WINDOW },
  );
  readonly value = undefined;
  readonly #clock: Clock;
  /** The latest value, until it is sent. */
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

  /** Sends the latest value now, or as soon as possible. */
  #soon(): void {
    const latest = this.#latest;
    // The rest of the credit is reserved for the last report.
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

/** Returns how much of the window a report takes. Two reports of any size fit. */
function sizeOf({ size }: Snapshot): number {
  return Math.min(Math.max(size, LEAST_OBJECT), WINDOW / 2);
}
