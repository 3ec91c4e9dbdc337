// The waiting jobs, in the order in which they will start, with one line for each
// priority. If no job has a priority or a key, there is only one line and no
// additional cost.

import type { Job } from "./job.ts";
import { Line } from "./line.ts";

/** Waiting time in ms that counts as one level of priority. */
export const AGING = 10_000;
/** Time in ms for which another job of a priority is expected after the last one. */
const EXPECTED = 1_000;
/** Maximum number of jobs of a priority that are checked for one that can start. */
const ASKED = 16;

/** The jobs of one priority. */
interface Lane {
  priority: number;
  /** Jobs that can start; the keys of jobs further back may still be in use. */
  ready: Line<Job>;
  /** Jobs that reached the front and wait for an earlier job of their key. */
  parked: Line<Job>;
}

/** First come, first served within a priority, with removal from the middle. */
export class JobQueue {
  /** Number of jobs that can start, as far as known. */
  length = 0;
  /** Number of jobs that wait for an earlier job of their key. */
  parked = 0;
  /** Whether any job has had a priority or a key. */
  isOrdered = false;
  /** Whether any job has had a priority. */
  isRanked = false;
  readonly #plain = makeLane(0);
  /** The lanes that have jobs, and the lane of priority 0. */
  readonly #lanes: Lane[] = [this.#plain];
  /** Highest priority that is expected, and until when. */
  #expected = 0;
  expectedUntil = -Infinity;

  /** Returns the next job to start. */
  peek(): Job | undefined {
    return this.isOrdered ? this.pick(() => true) : this.#plain.ready.first;
  }

  /**
   * Returns the next job to start, out of the first startable job of each priority.
   * Jobs whose keys are in use are parked, at most once for each time they reach
   * the front.
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

  /** Puts a parked job back at the front, because it is now the first of its key. */
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

  /** Returns whether jobs of a higher priority have come recently. */
  expectsAbove(priority: number, now: number): boolean {
    return priority < this.#expected && now <= this.expectedUntil;
  }

  /**
   * Puts jobs back at the front, in order. Their keys can go to another worker now,
   * unless `keepsKeys` is set.
   */
  putBack(jobs: readonly Job[], keepsKeys = false): void {
    for (let i = jobs.length - 1; i >= 0; i--) {
      const turn = jobs[i].extras?.turn;
      if (turn && !keepsKeys) turn.key.workerId = undefined;
      this.#laneOf(jobs[i]).ready.unshift(jobs[i]);
      this.length++;
    }
  }

  /** Removes and returns the first job. Jobs that wait for their key come last. */
  shift(): Job | undefined {
    let job = this.peek();
    if (job === undefined && this.parked > 0) {
      job = this.#lanes.find(({ parked }) => parked.first)?.parked.first;
    }
    if (job) this.remove(job);
    return job;
  }

  /** Removes a job from anywhere. Returns `false` if it is not in the queue. */
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

  /** The job that has waited longest, of the jobs with the lowest priority. */
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

/** Returns whether a job makes room before another job: its priority is lower, or it is older. */
export function isLesser(a: Job, b: Job): boolean {
  return a.priority < b.priority || a.priority === b.priority && a.id < b.id;
}
