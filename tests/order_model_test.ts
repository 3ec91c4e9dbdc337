// Random jobs with keys and priorities: a key never has two jobs at once and keeps
// the order of its calls, even if jobs fail or abort.
import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { ThreadPool } from "@spindle/thread-pool";
import { numbersTo } from "./kinds.ts";
import { poolTest as test } from "./live_workers.ts";

/** Words of a key: the number of its running jobs, and its last started job. */
const WORDS = 2;

const plays = fc.record({
  size: fc.integer({ min: 1, max: 3 }),
  concurrency: fc.constantFrom(1, 3),
  jobs: fc.array(
    fc.record({
      key: fc.constantFrom(undefined, 0, 1, 2),
      priority: fc.constantFrom(undefined, -100, -1, 1, 100),
      deed: fc.constantFrom("none", "none", "spin", "wait", "throw"),
      abort: fc.constantFrom(false, false, false, "now", "later"),
      pause: fc.constantFrom(false, false, true),
    }),
    { minLength: 40, maxLength: 120, size: "max" },
  ),
});

/** Records its run in the words of its key, and returns what was wrong. */
async function run(
  words: Int32Array | undefined,
  i: number,
  deed: string,
): Promise<string> {
  let wrong = "";
  if (words) {
    if (Atomics.add(words, 0, 1) !== 0) wrong = "two of one key at once";
    if (Atomics.exchange(words, 1, i) >= i) wrong = "out of order";
  }
  try {
    const end = performance.now() + 1;
    while (deed === "spin" && performance.now() < end);
    if (deed === "wait") await new Promise((done) => setTimeout(done, 1));
    if (deed === "throw") throw new Error(wrong);
    return wrong;
  } finally {
    if (words) Atomics.sub(words, 0, 1);
  }
}

for (const kind of ["thread", "killable thread"]) {
  test(`random jobs with keys and priorities all end, and each key keeps its order (${kind})`, async () => {
    await fc.assert(
      fc.asyncProperty(plays, async ({ jobs, ...options }) => {
        const hardKill = kind !== "thread";
        await using pool = new ThreadPool({
          ...options,
          hardKill,
          abortGrace: 1_000,
        });
        const keys = numbersTo(3).map(() =>
          new Int32Array(new SharedArrayBuffer(4 * WORDS)).fill(-1, 1)
        );
        const ended: Promise<unknown>[] = [];
        for (
          const [i, { key, priority, deed, abort, pause }] of jobs.entries()
        ) {
          const stop = new AbortController();
          const words = key === undefined ? undefined : keys[key];
          const settings = { key, priority, signal: stop.signal };
          const job = pool.execute(run, [words, i, deed], settings);
          ended.push(job.then(
            (wrong) => assertEquals(wrong, ""),
            (reason) => {
              const isRight = reason === "enough" && abort ||
                deed === "throw" && reason.message === "";
              assert(isRight, `${reason}`);
            },
          ));
          if (abort === "now") stop.abort("enough");
          else if (abort) setTimeout(() => stop.abort("enough"), i % 5);
          if (pause) await new Promise((done) => setTimeout(done));
        }
        await Promise.all(ended);
        assertEquals(pool.stats().queued, 0);
      }),
      { numRuns: 12, endOnFailure: true, interruptAfterTimeLimit: 10_000 },
    );
  });
}
