// The two ways in which the workloads submit jobs: all at once, and one at a time.
import { cost, costOf } from "./cost.js";
import { median } from "./stats.js";

/**
 * Submits jobs all at once and resolves when the last has settled. They are
 * counted, not collected, so that no array of the caller's is measured.
 * @param {import("./types.d.ts").Pool} pool
 * @param {import("./types.d.ts").Job} job
 * @param {number} count
 * @param {(index: number) => unknown} arg
 * @returns {Promise<void>}
 */
export function all(pool, job, count, arg) {
  return new Promise((resolve, reject) => {
    let left = count;
    const done = () => {
      if (--left === 0) resolve();
    };
    for (let i = 0; i < count; i++) pool.run(job, arg(i)).then(done, reject);
  });
}

/**
 * The milliseconds that `all()` takes, or the hand-batched echo where there is no pool.
 * @type {(...args: Parameters<typeof all>) => Promise<number>}
 */
export async function timeAll(pool, job, count, arg) {
  const begun = performance.now();
  await (pool.burst?.(count, arg) ?? all(pool, job, count, arg));
  return performance.now() - begun;
}

/**
 * What `bursts()` reports.
 * @type {Record<string, import("./types.d.ts").Metric>}
 */
export const burst = {
  "jobs/s": { better: "more" },
  "jobs/s, warm": { better: "more" },
  ...cost,
};

/** For how many ms, and how often, a burst is repeated until it is warm. */
const WARM_AFTER = 3000;
const WARM_BURSTS = 10;

/**
 * Reports the jobs a second of a burst after a fifth as many to warm up, and of the
 * last of those that follow it: a pool has more code to compile than an echo.
 * @param {import("./types.d.ts").Bench["report"]} report
 * @param {import("./types.d.ts").Pool} pool
 * @param {import("./types.d.ts").Job} job
 * @param {number} count
 * @param {(index: number) => unknown} arg
 */
export async function bursts(report, pool, job, count, arg) {
  const run = () => timeAll(pool, job, count, arg);
  await timeAll(pool, job, Math.ceil(count / 5), arg);
  let ms = await costOf(report, count, run);
  report("jobs/s", count / ms * 1000);
  const end = performance.now() + WARM_AFTER;
  for (let i = 0; i < WARM_BURSTS && performance.now() < end; i++) {
    ms = await run();
  }
  report("jobs/s, warm", count / ms * 1000);
}

/**
 * What `oneAtATime()` reports.
 * @type {Record<string, import("./types.d.ts").Metric>}
 */
export const latency = {
  "µs each": { better: "less" },
  "µs each, fastest stretch": { better: "less" },
  ...cost,
};

/**
 * Reports the microseconds of a call with one in flight: the median of 40 stretches,
 * after four to warm up, and the fastest of them. The two differ by the cores that the
 * kernel gave main and worker: a core each, which sleeps between two messages and
 * has to be woken, or one core for both. Processor time does not.
 * @param {import("./types.d.ts").Bench["report"]} report
 * @param {number} count
 * @param {() => PromiseLike<unknown>} call
 */
export async function oneAtATime(report, count, call) {
  /** @type {number[]} */
  const stretches = [];
  const length = Math.ceil(count / 40);
  const stretch = async () => {
    const begun = performance.now();
    for (let i = 0; i < length; i++) await call();
    return (performance.now() - begun) * 1000 / length;
  };
  for (let i = 0; i < 4; i++) await stretch();
  await costOf(report, 40 * length, async () => {
    for (let i = 0; i < 40; i++) stretches.push(await stretch());
  });
  const [typical, fastest] = Object.keys(latency);
  report(typical, median(stretches));
  report(fastest, Math.min(...stretches));
}
