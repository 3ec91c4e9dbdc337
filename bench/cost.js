// What this process spends, under Deno or Node: processor time, and threads that slept
// and had to be woken, which is most of what a message costs where cores are idle.
import { readdirSync, readFileSync } from "node:fs";
import process from "node:process";

const TASKS = "/proc/self/task";
const isCounted = process.platform === "linux";

/**
 * What `timed()` reports.
 * @type {Record<string, import("./types.d.ts").Metric>}
 */
export const cost = {
  "CPU, µs each": { better: "less" },
  "wake-ups each": { better: "less" },
};

/**
 * Reports what each of `count` jobs costs all threads of this process while `run` runs.
 * Wake-ups are counted by Linux alone.
 * @template T
 * @param {import("./types.d.ts").Bench["report"]} report
 * @param {number} count
 * @param {() => Promise<T>} run
 * @returns {Promise<T>}
 */
export async function costOf(report, count, run) {
  const [cpu, wakeUps] = Object.keys(cost);
  const woken = wakeUpsSoFar();
  const begun = process.cpuUsage();
  const result = await run();
  const { user, system } = process.cpuUsage(begun);
  report(cpu, (user + system) / count);
  if (isCounted) report(wakeUps, (wakeUpsSoFar() - woken) / count);
  return result;
}

/** How often the threads that run now have slept. */
function wakeUpsSoFar() {
  if (!isCounted) return 0;
  return readdirSync(TASKS).reduce((sum, task) => sum + switches(task), 0);
}

/** @param {string} task */
function switches(task) {
  try {
    return switchesIn(readFileSync(`${TASKS}/${task}/status`, "utf8"));
  } catch {
    return 0; // This thread has just ended.
  }
}

/**
 * How often a thread has slept, by what Linux says of its status.
 * @param {string} status
 */
export function switchesIn(status) {
  return Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)?.[1] ?? 0);
}
