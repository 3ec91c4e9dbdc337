// The keys of jobs: jobs of one key take turns, in the order in which they were
// submitted. A turn ends once its job has settled and no worker has it.

import type { Job } from "./job.ts";
import { type InLine, Line } from "./line.ts";
import type { JobQueue } from "./queue.ts";

/** What names a key; 1 and "1" are two. */
export type KeyName = string | number;

/** How many keys without jobs are remembered; between two sweeps, up to twice as many. */
const KEPT = 1_000;

/** A key that has jobs, or had some lately. */
export interface Key {
  readonly name: KeyName;
  /** Its jobs, the first of which has its turn. */
  readonly line: Line<Turn>;
  /** The number of the worker that has had its last job, and so what that job has left. */
  workerId: number | undefined;
}

/** A job's place in the line of its key. */
export class Turn implements InLine<Turn> {
  /** Whether its job has given way in the queue. */
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

  /** Whether no job of its key is before it. */
  get isFirst(): boolean {
    return this.key.line.first === this;
  }

  /** Ends it, if its job has settled and no worker has it. */
  endIfOver(): void {
    if (this.#isOver || !this.job.settled || this.job.worker) return;
    this.#isOver = true;
    this.#onOver(this);
  }
}

/** The keys that have jobs, and the last ones that had. */
export class Keys {
  readonly #queue: JobQueue;
  readonly #onFree: () => void;
  readonly #busy = new Map<KeyName, Key>();
  readonly #idle = new Map<KeyName, Key>();

  /** @param onFree Hears that a job which waited for its key may start */
  constructor(queue: JobQueue, onFree: () => void) {
    this.#queue = queue;
    this.#onFree = onFree;
  }

  /** Whether any job of a key has not ended. */
  isBusy(name: KeyName): boolean {
    return this.#busy.has(name);
  }

  /** Gives a job its place behind the others of its key. */
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
