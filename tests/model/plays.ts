// What may be done with a pool: random options, and random steps.
import type { ThreadPoolOptions } from "@spindle/thread-pool";
import fc from "fast-check";
import type { DeedName } from "../deeds.ts";

/** Something that is done with a pool. */
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

/** A pool's options, and what is done with it. */
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
/** They fail alone, wherever they run. */
const FAILING: DeedName[] = ["throws", "rejects", "uncloneable", "overflows"];
/** They need a thread of their own. */
const DANGEROUS: DeedName[] = [
  "closesSelf",
  "exits",
  "rejectsUnhandled",
  "throwsInTimer",
  "loops",
  "waits",
];
/** They take too long, or may do. */
const LATE: DeedName[] = ["never", "heeds", "hurries"];

/** What kind of workers a pool has. */
export type Isolation = "thread" | "process" | "none";

function stepsOf(isSafe: boolean, isolation: Isolation): fc.Arbitrary<Step[]> {
  const isThread = isolation !== "process";
  // What runs in a process cannot be counted in shared memory.
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
    // A caller that runs jobs itself must not be killed by them.
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

/** Pools of all kinds, and what is done with them. */
export function plays(isolation: Isolation): fc.Arbitrary<Play> {
  // A caller that runs jobs itself is no process.
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
