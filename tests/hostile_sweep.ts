// Lets a job replace one thing of its thread, and checks what becomes of the
// jobs before it, with it and after it: each gives what it should, or is
// rejected since its worker crashed.
import { ThreadPool, transfer, WorkerCrashedError } from "@spindle/thread-pool";
import { isDeepStrictEqual } from "node:util";
import type * as jobs from "./fixtures/hostile_targets.ts";
import type { Way } from "./fixtures/hostile_targets.ts";
import type { Target } from "./hostile_targets.ts";

export type { Way };

/** What came of one replacement. */
export interface Outcome {
  /** What should not have come, each in one line. */
  wrong: string[];
  /** How many jobs were rejected since their worker crashed. */
  crashed: number;
  /** The ms that it took. */
  time: number;
}

/** A job that has not settled after so many ms hangs. */
const LIMIT = 9_000;

/** What a job should give: a value, or what its error should say. */
type Expected = { value: unknown } | { error: string };

export function makePool(
  options: { concurrency?: number; hardKill?: boolean } = {},
): ThreadPool<typeof jobs> {
  return new ThreadPool<typeof jobs>({
    module: new URL("./fixtures/hostile_targets.ts", import.meta.url),
    size: 1,
    ...options,
  });
}

/** The targets of a worker. */
export async function findTargets(): Promise<Target[]> {
  await using pool = makePool();
  return await pool.execute("targets");
}

/** Replaces a target in a worker of its own, and tells what came of it. */
export async function checkTarget(
  target: Target,
  way: Way,
  options: { concurrency?: number; hardKill?: boolean } = {},
): Promise<Outcome> {
  await using pool = makePool(options);
  return await checkAround(
    pool,
    () => pool.execute("sabotage", [target, way]),
    { done: true },
  );
}

/** Checks a hostile job and those around it, in whatever worker they are. */
export async function checkAround(
  pool: ThreadPool<typeof jobs>,
  hostile: () => Promise<unknown>,
  value: unknown,
): Promise<Outcome> {
  const begin = performance.now();
  const outcome: Outcome = { wrong: [], crashed: 0, time: 0 };
  const check = (what: string, job: Promise<unknown>, expected: Expected) =>
    checkJob(outcome, what, job, expected);
  await Promise.all([
    check("before", pool.execute("object"), { value: OBJECT }),
    check("map before", pool.execute("aMap"), { value: MAP }),
    check("own", hostile(), { value }),
    ...following(pool).map(([what, expected, start]) =>
      check(`${what}, in a burst`, start(), expected)
    ),
  ]);
  for (const [what, expected, start] of following(pool)) {
    await check(what, start(), expected);
  }
  outcome.time = performance.now() - begin;
  return outcome;
}

const OBJECT = { a: [1, "text", null], b: { c: true } };
const MAP = new Map<unknown, unknown>([[1, "one"], ["two", [2]]]);

function following(
  pool: ThreadPool<typeof jobs>,
): [what: string, expected: Expected, start: () => Promise<unknown>][] {
  const argument = { a: [1, 2], b: "text" };
  return [
    ["number", { value: 42 }, () => pool.execute("number")],
    ["object", { value: OBJECT }, () => pool.execute("object")],
    ["map", { value: MAP }, () => pool.execute("aMap")],
    ["date", { value: new Date(86_400_000) }, () => pool.execute("aDate")],
    ["later", { value: "x" }, () => pool.execute("later", ["x"])],
    [
      "later object",
      { value: { later: [1] } },
      () => pool.execute("laterObject"),
    ],
    [
      "error",
      { error: "RangeError: meant to fail" },
      () => pool.execute("fails"),
    ],
    [
      "later error",
      { error: "RangeError: meant to fail later" },
      () => pool.execute("failsLater"),
    ],
    ["bytes", { value: new Uint8Array(3) }, () => pool.execute("bytes")],
    ["echo", { value: argument }, () => pool.execute("echo", [argument])],
    ["echo map", { value: MAP }, () => pool.execute("echo", [MAP])],
    [
      "moved",
      { value: new Uint8Array([2, 2]) },
      () => pool.execute("increment", [transfer(new Uint8Array([1, 2]))]),
    ],
  ];
}

async function checkJob(
  outcome: Outcome,
  what: string,
  job: Promise<unknown>,
  expected: Expected,
): Promise<void> {
  const result = await settled(job);
  if (result === undefined) outcome.wrong.push(`${what}: hangs`);
  else if ("error" in result) {
    // The job itself and those before it have left by then.
    const mayCrash = !["before", "map before", "own"].includes(what);
    if (mayCrash && result.error instanceof WorkerCrashedError) {
      outcome.crashed++;
    } else if (
      !("error" in expected) || String(result.error) !== expected.error
    ) {
      outcome.wrong.push(`${what}: rejected with ${result.error}`);
    }
  } else if (
    !("value" in expected) || !isDeepStrictEqual(result.value, expected.value)
  ) outcome.wrong.push(`${what}: gave ${Deno.inspect(result.value)}`);
}

function settled(
  job: Promise<unknown>,
): Promise<{ value: unknown } | { error: unknown } | undefined> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LIMIT, undefined);
    const settle = (result: { value: unknown } | { error: unknown }) => {
      clearTimeout(timer);
      resolve(result);
    };
    job.then((value) => settle({ value }), (error) => settle({ error }));
  });
}
