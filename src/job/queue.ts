// The jobs that wait, in the order in which they are to start: a line for each
// priority. Where nobody uses priorities or keys there is one line, and nothing
// else to pay for.

import type { Job } from "./job.ts";
import { Line } from "./line.ts";

/** Milliseconds of waiting that a level of priority counts as. */
export const AGING = 10_000;
/** Milliseconds for which another job of a priority is expected after the last one. */
const EXPECTED = 1_000;
/** How many jobs of a priority are asked, at most, for one that may start. */
const ASKED = 16;

/** The jobs of one priority. */
interface Lane {
  priority: number;
  /** Those that may start, as far as their keys were looked at. */
  ready: Line<Job>;
  /** Those that had come to the front, and wait for a job of their key. */
  parked: Line<Job>;
}

/** First come, first served within a priority, with removal from the middle. */
export class JobQueue {
  /** How many may start, as far as is known. */
  length = 0;
  /** How many wait for a job of their key. */
  parked = 0;
  /** Whether any job has had a priority, or a key. */
  isOrdered = false;
  /** Whether any job has had a priority. */
  isRanked = false;
  readonly #plain = makeLane(0);
  /** The lanes that have jobs, and that of priority 0. */
  readonly #lanes: Lane[] = [this.#plain];
  /** The highest priority that is expected, and until when. */
  #expected = 0;
  expectedUntil = -Infinity;

  /** The job that is next to start. */
  peek(): Job | undefined {
    return this.isOrdered ? this.pick(() => true) : this.#plain.ready.first;
  }

  /**
   * The job that is next to start, of the first ones that may of each priority.
   * Those whose keys are in use give way, each at most once for each time that it
   * comes to the front.
   */
  pick(mayStart: (job: Job) => boolean): Job | undefined {
    let best: Job | undefined;
    let least = Infinity;
    for (const lane of this.#lanes) {
      this.#park(lane);
      let job = lane.ready.first;
      for (let i = 0; job && i < ASKED; i++, job = job.next) {
        const rank = job.submitted - lane.priority * AGING;
        if (rank > least || rank === least && job.id > best!.id) break;
        const isInTurn = job.extras?.turn?.isFirst ?? true;
        if (!isInTurn || !mayStart(job)) continue;
        [best, least] = [job, rank];
        break;
      }
    }
    return best;
  }

  #park(lane: Lane): void {
    for (let job = lane.ready.first; job; job = lane.ready.first) {
      const turn = job.extras?.turn;
      if (turn === undefined || turn.isFirst) return;
      lane.ready.remove(job);
      lane.parked.push(job);
      turn.isParked = true;
      this.length--;
      this.parked++;
    }
  }

  /** A job that gave way is the next of its key: it had come to the front. */
  unpark(job: Job): void {
    const lane = this.#laneOf(job);
    lane.parked.remove(job);
    job.extras!.turn!.isParked = false;
    lane.ready.unshift(job);
    this.parked--;
    this.length++;
  }

  /** Adds a job at the end of its line. */
  push(job: Job): void {
    if (!this.isOrdered) {
      this.#plain.ready.push(job);
      this.length++;
      return;
    }
    const lane = this.#laneOf(job);
    lane.ready.push(job);
    this.length++;
    const isHigher = this.isRanked && (lane.priority >= this.#expected ||
      job.submitted > this.expectedUntil);
    if (!isHigher) return;
    this.#expected = lane.priority;
    this.expectedUntil = job.submitted + EXPECTED;
  }

  /** Whether jobs of a higher priority have come lately. */
  expectsAbove(priority: number, now: number): boolean {
    return priority < this.#expected && now <= this.expectedUntil;
  }

  /**
   * Puts jobs back at the front, in their order. Their keys may have another worker
   * now, unless they keep theirs.
   */
  putBack(jobs: readonly Job[], keepsKeys = false): void {
    for (let i = jobs.length - 1; i >= 0; i--) {
      const turn = jobs[i].extras?.turn;
      if (turn && !keepsKeys) turn.key.workerId = undefined;
      this.#laneOf(jobs[i]).ready.unshift(jobs[i]);
      this.length++;
    }
  }

  /** Takes the first job, and at last those that wait for others of their key. */
  shift(): Job | undefined {
    let job = this.peek();
    if (job === undefined && this.parked > 0) {
      job = this.#lanes.find(({ parked }) => parked.first)?.parked.first;
    }
    if (job) this.remove(job);
    return job;
  }

  /** Takes a job out, wherever it stands; `false` if it is not in the queue. */
  remove(job: Job): boolean {
    if (!this.isOrdered) {
      if (!this.#plain.ready.remove(job)) return false;
      this.length--;
      return true;
    }
    const lane = this.isRanked ? this.#find(job.priority) : this.#plain;
    if (lane === undefined) return false;
    const turn = job.extras?.turn;
    if (turn?.isParked) {
      lane.parked.remove(job);
      turn.isParked = false;
      this.parked--;
    } else if (lane.ready.remove(job)) this.length--;
    else return false;
    if (lane !== this.#plain && !lane.ready.first && !lane.parked.first) {
      this.#lanes.splice(this.#lanes.indexOf(lane), 1);
    }
    return true;
  }

  /** The job that has waited longest, of those of the lowest priority. */
  get oldest(): Job | undefined {
    if (!this.isOrdered) return this.#plain.ready.first;
    let oldest: Job | undefined;
    for (const { ready, parked } of this.#lanes) {
      for (const { first } of [ready, parked]) {
        if (first && (!oldest || isLesser(first, oldest))) oldest = first;
      }
    }
    return oldest;
  }

  #laneOf(job: Job): Lane {
    if (!this.isRanked) return this.#plain;
    const { priority } = job;
    let lane = this.#find(priority);
    if (lane === undefined) this.#lanes.push(lane = makeLane(priority));
    return lane;
  }

  #find(priority: number): Lane | undefined {
    return this.#lanes.find((lane) => lane.priority === priority);
  }
}

function makeLane(priority: number): Lane {
  return { priority, ready: new Line<Job>(), parked: new Line<Job>() };
}

/** Whether a job makes room sooner than another one: its priority is lower, or it is older. */
export function isLesser(a: Job, b: Job): boolean {
  return a.priority < b.priority || a.priority === b.priority && a.id < b.id;
}
