// Tests whether this Deno stops a loop in a terminated `node:worker_threads` worker.
// Deno does so, undocumented, if the worker holds a Web Lock.

import { setTimeout } from "node:timers";
import { Worker } from "node:worker_threads";

/** Time in ms without progress after which the loop counts as stopped. */
const STILL = 10;
/** Maximum time in ms for the loop to start, and then to stop. */
const LONGEST_WAIT = 3_000;
const LONGEST_LOOP = 2 * LONGEST_WAIT;

/** Code of a worker with a loop, which ends by itself if Deno cannot stop it. */
const LOOP = `
import { workerData } from "node:worker_threads";
const words = new Int32Array(workerData);
navigator.locks.request("@spindle/thread-pool/" + crypto.randomUUID(), () => {
  setTimeout(() => {
    for (const end = Date.now() + ${LONGEST_LOOP}; Date.now() < end;) Atomics.add(words, 0, 1);
  });
  return new Promise(() => {});
});`;

let answer: Promise<boolean> | undefined;

/** Returns whether Deno can stop a loop; only the first call runs the test. */
export function canHardKill(): Promise<boolean> {
  return answer ??= tryOut();
}

async function tryOut(): Promise<boolean> {
  if (!("locks" in navigator)) return false;
  const words = new Int32Array(new SharedArrayBuffer(4));
  const entry = new URL(
    `data:text/javascript,${encodeURIComponent(LOOP)}`,
  );
  const worker = new Worker(entry, { workerData: words.buffer });
  const failed = new Promise<void>((resolve) => {
    worker.on("error", () => resolve());
    worker.on("exit", () => resolve());
  });
  const count = () => Atomics.load(words, 0);
  const isRunning = until(() => count() > 0);
  if (!await Promise.race([isRunning, failed.then(() => false)])) return false;
  worker.terminate();
  let last = count();
  return await until(() => {
    const isStill = count() === last;
    last = count();
    return isStill;
  });
}

async function until(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < LONGEST_WAIT / STILL; i++) {
    await new Promise((resolve) => setTimeout(resolve, STILL));
    if (condition()) return true;
  }
  return false;
}
