// Jobs of the tests that submit many jobs, and how each job may end.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import {
  type ExecuteOptions,
  JobCloneError,
  JobTimeoutError,
  MemoryLimitError,
  type ThreadPool,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as deeds from "./fixtures/deeds.ts";

export type DeedName = keyof typeof deeds;
export type DeedPool = ThreadPool<typeof deeds>;
export type Outcome = PromiseSettledResult<unknown>;

/** Module that exports the jobs. */
export const DEEDS_MODULE = new URL("./fixtures/deeds.ts", import.meta.url);

/** One kind of job. */
export interface Deed {
  /** Timeout in ms. */
  timeout?: number;
  /** Throws unless job number `i` may end this way when nothing interferes. */
  check(i: number, outcome: Outcome): void;
}

const gives = (valueOf: (i: number) => unknown): Deed => ({
  check: (i, outcome) =>
    assertEquals(outcome, { status: "fulfilled", value: valueOf(i) }),
});

function fails(
  Class: abstract new (...args: never[]) => Error,
  timeout?: number,
): Deed {
  return {
    timeout,
    check(_, outcome) {
      assert(outcome.status === "rejected", Deno.inspect(outcome));
      assertInstanceOf(outcome.reason, Class);
      if (Class === WorkerCrashedError) assert(outcome.reason.started);
    },
  };
}

const throwsOwn: Deed = {
  check(i, outcome) {
    fails(Error).check(i, outcome);
    const { reason } = outcome as PromiseRejectedResult;
    assertEquals(reason.message, `job ${i}`);
  },
};

const SAME = gives((i) => i);
const CRASHES = fails(WorkerCrashedError);
const TIMES_OUT = fails(JobTimeoutError, 20);

/** Returns a deed that may time out, depending on how busy the machine is. */
const mayTimeOut = (timeout: number): Deed => ({
  timeout,
  check: (i, outcome) =>
    (outcome.status === "fulfilled" ? SAME : TIMES_OUT).check(i, outcome),
});

const GOOD = {
  number: gives((i) => i * 2),
  text: gives((i) => `job ${i} `.repeat(i % 50)),
  object: gives((i) => ({ i, list: [i, `${i}`] })),
  map: gives((i) => new Map([[i, { i }]])),
  later: gives((i) => [i]),
  busy: gives((i) => -i),
  moved: gives((i) => new Uint32Array([i * 2, i * 2 + 2])),
};

const BAD = {
  throws: throwsOwn,
  rejects: throwsOwn,
  uncloneable: fails(JobCloneError),
  overflows: fails(RangeError),
  closesSelf: CRASHES,
  exits: CRASHES,
  rejectsUnhandled: CRASHES,
  throwsInTimer: CRASHES,
  loops: TIMES_OUT,
  matches: TIMES_OUT,
  waits: TIMES_OUT,
  never: TIMES_OUT,
  heeds: TIMES_OUT,
  burnsLater: mayTimeOut(20),
  hurries: mayTimeOut(5),
  posts: SAME,
  forges: SAME,
  closesPort: SAME,
  overwritesPost: SAME,
  overwritesPromise: SAME,
  overwritesArrays: SAME,
  leavesTimers: SAME,
  // Needs a `memoryLimit`: without it, the whole process ends.
  allocates: fails(MemoryLimitError),
};

export const GOOD_NAMES = Object.keys(GOOD) as (keyof typeof GOOD)[];
export const DEEDS: Record<DeedName, Deed> = { ...GOOD, ...BAD };

/** Returns the buffer that moves with job number `i`. */
export function numbersFor(i: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array([i, i + 1]);
}

/** Submits job number `i`; `runs` counts at this index how often the job has run. */
export function doDeed(
  pool: DeedPool,
  name: DeedName,
  i: number,
  options: ExecuteOptions,
  runs?: SharedArrayBuffer,
  numbers = numbersFor(i),
): Promise<unknown> {
  if (name !== "moved") return pool.execute(name, [i, runs], options);
  return pool.execute(name, [i, transfer(numbers), runs], options);
}
