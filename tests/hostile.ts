// Checks the jobs around a job that misbehaves: jobs before it and in other workers
// succeed, and jobs after it succeed or reject.
import {
  type ThreadPool,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import { isDeepStrictEqual as equal } from "node:util";
import type * as jobs from "./fixtures/hostile.ts";

type Pool = ThreadPool<typeof jobs>;

/** Time in ms after which a job that has not settled hangs. */
const LIMIT = 9_000;
const OBJECT = { a: [1, "text", null], b: { c: true } };
const MAP = new Map<unknown, unknown>([[1, "one"], ["two", [2]]]);

/** Jobs, what each returns, and whether a saboteur can at most crash their worker. */
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

/** Returns what went wrong with the jobs around a hostile job, each in a line. */
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
  // Again, when the hostile job has ended, in the same worker or in its replacement.
  await Promise.all(after());
  return wrong;
}
