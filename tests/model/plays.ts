// Generates random plays: the options of a pool, and steps to run with it.
import type { ThreadPoolOptions } from "@spindle/thread-pool";
import fc from "fast-check";
import type { DeedName } from "../deeds.ts";

/** A step of a play. */
export type Step =
  | {
    do: "execute";
    deed: DeedName;
    counted: boolean;
    priority: number | undefined;
    key: string | number | undefined;
  }
  | { do: "abort" | "await"; which: number }
  | { do: "pause"; ms: number }
  | {
    do:
      | "execute uncloneable"
      | "execute missing"
      | "ready"
      | "drain"
      | "close"
      | "terminate";
  };

/** A pool's options, and the steps to run with it. */
export interface Play {
  options: ThreadPoolOptions;
  steps: Step[];
}

const GOOD: DeedName[] = [
  "number",
  "text",
  "object",
  "map",
  "later",
  "busy",
  "moved",
];
/** Jobs that fail without effect on other jobs. */
const FAILING: DeedName[] = ["throws", "rejects", "uncloneable", "overflows"];
/** Jobs that can end or block their thread. */
const DANGEROUS: DeedName[] = [
  "closesSelf",
  "exits",
  "rejectsUnhandled",
  "throwsInTimer",
  "loops",
  "waits",
];
/** Jobs that take too long, or can do so. */
const LATE: DeedName[] = ["never", "heeds", "hurries"];

/** Kind of the workers of a pool. */
export type Isolation = "thread" | "process" | "none";

function stepsOf(isSafe: boolean, isolation: Isolation): fc.Arbitrary<Step[]> {
  const isThread = isolation !== "process";
  // A process has no shared memory to count runs.
  const counted = isThread ? fc.boolean() : fc.constant(false);
  const step = <Do extends Step["do"]>(
    weight: number,
    what: Do,
    more: Record<string, fc.Arbitrary<unknown>> = {},
  ) => ({
    weight,
    arbitrary: fc.record({ do: fc.constant(what), ...more }).map(
      (step) => step as unknown as Step,
    ),
  });
  const execute = (weight: number, deeds: DeedName[]) =>
    step(weight, "execute", {
      deed: fc.constantFrom(...deeds),
      counted,
      priority: fc.constantFrom(undefined, undefined, undefined, 1, -3, 100),
      key: fc.constantFrom(undefined, undefined, "a", "b", 1),
    });
  const which = { which: fc.nat({ max: 1000 }) };
  const any = fc.oneof(
    execute(200, GOOD),
    execute(40, FAILING),
    // These jobs would end the test if the caller ran them.
    execute(isSafe || isolation === "none" ? 0 : 27, DANGEROUS),
    execute(isSafe ? 0 : 13, LATE),
    step(6, "execute uncloneable"),
    step(6, "execute missing"),
    step(40, "abort", which),
    step(20, "await", which),
    step(20, "pause", { ms: fc.nat({ max: 10 }) }),
    step(12, "ready"),
    step(6, "drain"),
    step(1, "close"),
    step(1, "terminate"),
  );
  const minLength = isThread ? 30 : 20;
  return fc.array(any, { minLength, maxLength: minLength + 20, size: "max" });
}

const WHEN_FULL = ["wait", "reject", "discard-oldest", "caller-runs"] as const;

/** Returns plays with all kinds of pools. */
export function plays(isolation: Isolation): fc.Arbitrary<Play> {
  // The caller cannot run the jobs of a pool of processes.
  const whenFull = WHEN_FULL.slice(0, isolation === "process" ? 3 : 4);
  const options = fc.record({
    isolation: fc.constant(isolation),
    size: fc.integer({ min: 1, max: 3 }),
    concurrency: fc.constantFrom(1, 2),
    queue: fc.record({
      capacity: fc.constantFrom(Infinity, 0, 1, 5, 20),
      whenFull: fc.constantFrom(...whenFull),
    }),
    abortGrace: fc.constantFrom(0, 5, 20),
    maxJobsPerWorker: fc.constantFrom(Infinity, Infinity, 1, 3, 10),
  });
  return options.chain((options) =>
    fc.record({
      options: fc.constant(options),
      steps: stepsOf(options.queue.whenFull === "caller-runs", isolation),
    })
  );
}
