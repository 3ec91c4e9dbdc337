// What a pool is asked to do in the tests with many jobs, and how each job is to end.
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

/** The module of the jobs. */
export const DEEDS_MODULE = new URL("./fixtures/deeds.ts", import.meta.url);

/** One kind of job. */
export interface Deed {
  /** How many ms it may execute. */
  timeout?: number;
  /** Fails unless a job of this number may end so, if nobody interferes. */
  check(i: number, outcome: Outcome): void;
}

function gives(valueOf: (i: number) => unknown): Deed {
  return {
    check(i, outcome) {
      assertEquals(outcome, { status: "fulfilled", value: valueOf(i) });
    },
  };
}

// deno-lint-ignore no-explicit-any
function fails(Class: abstract new (...args: any[]) => Error): Deed["check"] {
  return (_, outcome) => {
    assert(outcome.status === "rejected", Deno.inspect(outcome));
    assertInstanceOf(outcome.reason, Class);
  };
}

const throwsOwn: Deed = {
  check(i, outcome) {
    assert(outcome.status === "rejected", Deno.inspect(outcome));
    assertEquals(outcome.reason.message, `job ${i}`);
  },
};

const crashes: Deed = {
  check(i, outcome) {
    fails(WorkerCrashedError)(i, outcome);
    assert((outcome as PromiseRejectedResult).reason.started);
  },
};

function timesOut(timeout: number): Deed {
  return { timeout, check: fails(JobTimeoutError) };
}

/** It depends on how busy the machine is. */
function mayTimeOut(timeout: number): Deed {
  return {
    timeout,
    check(i, outcome) {
      const { check } = outcome.status === "fulfilled"
        ? gives((i) => i)
        : timesOut(timeout);
      check(i, outcome);
    },
  };
}

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
  uncloneable: { check: fails(JobCloneError) },
  overflows: { check: fails(RangeError) },
  closesSelf: crashes,
  exits: crashes,
  rejectsUnhandled: crashes,
  throwsInTimer: crashes,
  loops: timesOut(20),
  matches: timesOut(20),
  waits: timesOut(20),
  never: timesOut(20),
  heeds: timesOut(20),
  burnsLater: mayTimeOut(20),
  hurries: mayTimeOut(5),
  posts: gives((i) => i),
  forges: gives((i) => i),
  closesPort: gives((i) => i),
  overwritesPost: gives((i) => i),
  overwritesPromise: gives((i) => i),
  overwritesArrays: gives((i) => i),
  leavesTimers: gives((i) => i),
};

/** What needs a `memoryLimit`: without it, the whole process ends. */
const GREEDY = { allocates: { check: fails(MemoryLimitError) } };

export const GOOD_NAMES = Object.keys(GOOD) as (keyof typeof GOOD)[];
export const BAD_NAMES = Object.keys(BAD) as (keyof typeof BAD)[];
export const DEEDS: Record<DeedName, Deed> = { ...GOOD, ...BAD, ...GREEDY };

/** What moves with a job of this number. */
export function numbersFor(i: number): Uint32Array<ArrayBuffer> {
  return new Uint32Array([i, i + 1]);
}

/** Gives such a job to a pool; `runs` counts, at its number, how often it has run. */
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
