// Whether this Deno stops the loop of a `node:worker_threads` worker that is
// terminated: it does so, undocumented, where that worker holds a Web Lock.

import { setTimeout } from "node:timers";
import { Worker } from "node:worker_threads";

/** Milliseconds that a loop has to stand still. */
const STILL = 10;
/** Milliseconds that it is waited for at most, and then loops if it is not stopped. */
const LONGEST_WAIT = 3_000;
const LONGEST_LOOP = 2 * LONGEST_WAIT;

/** A loop that ends by itself if it cannot be stopped. */
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

/** Tries it out, once for all. */
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
