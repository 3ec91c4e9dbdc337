// The keys of jobs. Jobs with the same key take turns, in the order in which they
// were submitted. A turn ends once its job has settled and no worker has the job.

import type { Job } from "./job.ts";
import { type InLine, Line } from "./line.ts";
import type { JobQueue } from "./queue.ts";

/** Name of a key; 1 and "1" are two keys. */
export type KeyName = string | number;

/** Number of keys without jobs to remember; between two sweeps, up to twice as many. */
const KEPT = 1_000;

/** A key that has jobs, or had jobs recently. */
export interface Key {
  readonly name: KeyName;
  /** The jobs of the key; the first job has its turn. */
  readonly line: Line<Turn>;
  /** Number of the worker that had the key's last job, so its state is warm. */
  workerId: number | undefined;
}

/** Place of a job in the line of its key. */
export class Turn implements InLine<Turn> {
  /** Whether the job is parked in the queue, until it is first in its line. */
  isParked = false;
  previous: Turn | undefined = undefined;
  next: Turn | undefined = undefined;
  #isOver = false;
  readonly #onOver: (turn: Turn) => void;

  constructor(
    readonly job: Job,
    readonly key: Key,
    onOver: (turn: Turn) => void,
  ) {
    this.#onOver = onOver;
    key.line.push(this);
  }

  /** Whether no earlier job of the key is left. */
  get isFirst(): boolean {
    return this.key.line.first === this;
  }

  /** Ends the turn if its job has settled and no worker has the job. */
  endIfOver(): void {
    if (this.#isOver || !this.job.settled || this.job.worker) return;
    this.#isOver = true;
    this.#onOver(this);
  }
}

/** The keys that have jobs, and the last keys that had jobs. */
export class Keys {
  readonly #queue: JobQueue;
  readonly #onFree: () => void;
  readonly #busy = new Map<KeyName, Key>();
  readonly #idle = new Map<KeyName, Key>();

  /** @param onFree Called when the next job of a key can start */
  constructor(queue: JobQueue, onFree: () => void) {
    this.#queue = queue;
    this.#onFree = onFree;
  }

  /** Returns whether a key has jobs that have not ended. */
  isBusy(name: KeyName): boolean {
    return this.#busy.has(name);
  }

  /** Puts a job at the end of the line of its key. */
  enter(name: KeyName, job: Job): void {
    let key = this.#busy.get(name);
    if (key === undefined) {
      key = this.#idle.get(name) ??
        { name, line: new Line(), workerId: undefined };
      this.#idle.delete(name);
      this.#busy.set(name, key);
    }
    job.extras!.turn = new Turn(job, key, this.#over);
  }

  readonly #over = (turn: Turn): void => {
    const { key } = turn;
    key.line.remove(turn);
    const { first } = key.line;
    if (first === undefined) return this.#rest(key);
    if (first.isParked) this.#queue.unpark(first.job);
    this.#onFree();
  };

  #rest(key: Key): void {
    this.#busy.delete(key.name);
    this.#idle.set(key.name, key);
    if (this.#idle.size <= 2 * KEPT) return;
    for (const name of this.#idle.keys()) {
      if (this.#idle.size <= KEPT) return;
      this.#idle.delete(name);
    }
  }
}
