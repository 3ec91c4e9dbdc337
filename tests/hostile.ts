// Checks what becomes of the jobs around one that misbehaves: those before it
// and in other workers end well, and those after it end well or are rejected.
import {
  type ThreadPool,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { isDeepStrictEqual as equal } from "node:util";
import type * as jobs from "./fixtures/hostile.ts";

type Pool = ThreadPool<typeof jobs>;

/** A job that has not settled after so many ms hangs. */
const LIMIT = 9_000;
const OBJECT = { a: [1, "text", null], b: { c: true } };
const MAP = new Map<unknown, unknown>([[1, "one"], ["two", [2]]]);

/** Jobs, what each gives, and whether a saboteur may at most crash their worker. */
const JOBS: [what: string, isPlain: boolean, Run, expected: unknown][] = [
  ["number", true, (pool) => pool.execute("number"), 42],
  ["object", true, (pool) => pool.execute("object"), OBJECT],
  ["later", true, (pool) => pool.execute("later", ["x"]), "x"],
  ["echo", true, (pool) => pool.execute("echo", [OBJECT]), OBJECT],
  ["error", false, (pool) => pool.execute("fails"), undefined],
  ["later error", false, (pool) => pool.execute("failsLater"), undefined],
  ["map", false, (pool) => pool.execute("aMap"), MAP],
  ["echo map", false, (pool) => pool.execute("echo", [MAP]), MAP],
  ["date", false, (pool) => pool.execute("aDate"), new Date(86_400_000)],
  ["bytes", false, (pool) => pool.execute("bytes"), new Uint8Array(3)],
  [
    "moved",
    false,
    (pool) => pool.execute("increment", [transfer(new Uint8Array([1, 2]))]),
    new Uint8Array([2, 2]),
  ],
];
type Run = (pool: Pool) => Promise<unknown>;

/** What went wrong with the jobs around a hostile one, each in a line. */
export async function wrongAround(
  pool: Pool,
  hostile: Run,
): Promise<string[]> {
  const wrong: string[] = [];
  async function check(
    what: string,
    job: Promise<unknown>,
    isRight: (result: { value: unknown } | { error: unknown }) => boolean,
  ): Promise<void> {
    let timer;
    const hangs = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, LIMIT);
    });
    const settled = job.then((value) => ({ value }), (error) => ({ error }));
    const result = await Promise.race([settled, hangs]);
    clearTimeout(timer);
    if (result && isRight(result)) return;
    wrong.push(`${what}: ${result ? Deno.inspect(result) : "hangs"}`);
  }
  const after = () =>
    JOBS.map(([what, isPlain, run, expected]) =>
      check(
        what,
        run(pool),
        (result) =>
          "value" in result
            ? equal(result.value, expected)
            : result.error instanceof WorkerCrashedError || !isPlain,
      )
    );
  await pool.execute("number"); // a worker may take long to start
  await Promise.all([
    check("before", pool.execute("object"), (result) => {
      return "value" in result && equal(result.value, OBJECT);
    }),
    check("map before", pool.execute("aMap"), (result) => {
      return "value" in result && equal(result.value, MAP);
    }),
    check("own", hostile(pool), () => true),
    ...after(),
  ]);
  // Again, when the worker is alone with what was done to it, or is another one.
  await Promise.all(after());
  return wrong;
}
