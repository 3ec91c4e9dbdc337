// What may be done with a pool: random options, and random steps.
import type { ThreadPoolOptions } from "@spindle/thread-pool";
import fc from "fast-check";
import type { DeedName } from "../deeds.ts";

/** Something that is done with a pool. */
export type Step =
  | { do: "execute"; deed: DeedName; counted: boolean }
  | { do: "execute uncloneable" }
  | { do: "execute missing" }
  | { do: "abort"; which: number }
  | { do: "await"; which: number }
  | { do: "pause"; ms: number }
  | { do: "ready" | "drain" | "close" | "terminate" };

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
  "never",
  "heeds",
  "hurries",
];

function execute(
  deeds: DeedName[],
  isCountable: boolean,
): fc.Arbitrary<Step> {
  return fc.record({
    do: fc.constant("execute" as const),
    deed: fc.constantFrom(...deeds),
    counted: isCountable ? fc.boolean() : fc.constant(false),
  });
}

function simply<Do extends Step["do"]>(what: Do): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constant(what) }) as unknown as fc.Arbitrary<Step>;
}

function which(what: "abort" | "await"): fc.Arbitrary<Step> {
  return fc.record({ do: fc.constant(what), which: fc.nat({ max: 1000 }) });
}

function steps(
  isSafe: boolean,
  isCountable: boolean,
  least: number,
): fc.Arbitrary<Step[]> {
  const step = fc.oneof(
    { weight: 200, arbitrary: execute(GOOD, isCountable) },
    { weight: 40, arbitrary: execute(FAILING, isCountable) },
    // A caller that runs jobs itself is not to be killed by them.
    { weight: isSafe ? 0 : 40, arbitrary: execute(DANGEROUS, isCountable) },
    { weight: 6, arbitrary: simply("execute uncloneable") },
    { weight: 6, arbitrary: simply("execute missing") },
    { weight: 40, arbitrary: which("abort") },
    { weight: 20, arbitrary: which("await") },
    {
      weight: 20,
      arbitrary: fc.record({
        do: fc.constant("pause" as const),
        ms: fc.nat({ max: 10 }),
      }),
    },
    { weight: 12, arbitrary: simply("ready") },
    { weight: 6, arbitrary: simply("drain") },
    { weight: 1, arbitrary: simply("close") },
    { weight: 1, arbitrary: simply("terminate") },
  );
  const size = {
    minLength: least,
    maxLength: least + 20,
    size: "max",
  } as const;
  return fc.array(step, size);
}

const WHEN_FULL = ["wait", "reject", "discard-oldest", "caller-runs"] as const;

/** What kind of workers a pool has. */
export type Isolation = "thread" | "process";

/** Pools of all kinds, with at least so many steps. */
export function plays(
  least: number,
  isolation: Isolation = "thread",
): fc.Arbitrary<Play> {
  const options = fc.record({
    isolation: fc.constant(isolation),
    size: fc.integer({ min: 1, max: 3 }),
    concurrency: fc.constantFrom(1, 2),
    queue: fc.record({
      capacity: fc.constantFrom(Infinity, 0, 1, 5, 20),
      whenFull: fc.constantFrom(
        // A caller that runs jobs itself is no process.
        ...WHEN_FULL.filter((whenFull) => {
          return isolation === "thread" || whenFull !== "caller-runs";
        }),
      ),
    }),
    abortGrace: fc.constantFrom(0, 5, 20),
    maxJobsPerWorker: fc.constantFrom(Infinity, Infinity, 1, 3, 10),
  });
  return options.chain((options) => {
    const isSafe = options.queue.whenFull === "caller-runs";
    return fc.record({
      options: fc.constant(options),
      steps: steps(isSafe, isolation === "thread", least),
    });
  });
}
