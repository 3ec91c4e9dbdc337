// What only a thread of `node:worker_threads` needs, which can be stopped in a
// loop, and runs out of memory alone.

import { getHeapStatistics } from "node:v8";
import { resourceLimits } from "node:worker_threads";
import { packError } from "../values/pack_error.ts";
import type { Post } from "./own_thread.ts";

/** How often the limit of the heap is looked at, in ms. */
const EVERY = 20;

/** What is used here of the Web Locks API, which Deno's types leave out. */
interface Locks {
  request(name: string, callback: () => Promise<never>): void;
}

/** Makes this thread one that can be stopped, and that tells when its memory is used up. */
export async function prepareKillable(
  memoryLimit: number | undefined,
  post: Post,
): Promise<void> {
  if (memoryLimit !== undefined) checkLimit(memoryLimit);
  await holdLock();
  // Packed while there is memory for it.
  const error = packError(outOfMemory());
  watchHeap(() => post({ kind: "crashed", error }));
}

/** Some kinds of threads have no limit. */
function checkLimit(limit: number): void {
  const { maxOldGenerationSizeMb = 0 } = resourceLimits;
  if (maxOldGenerationSizeMb > 0 && maxOldGenerationSizeMb <= limit) return;
  throw new Error(
    "Option `memoryLimit` does not work here: this Deno does not limit the heap of a thread",
  );
}

/** A thread that holds a Web Lock is stopped in a loop, too. */
function holdLock(): Promise<void> {
  const { locks } = navigator as unknown as { locks?: Locks };
  return new Promise((resolve) => {
    if (locks === undefined) return resolve();
    locks.request(`@spindle/thread-pool/${crypto.randomUUID()}`, () => {
      resolve();
      return new Promise(() => {});
    });
  });
}

/**
 * Calls back, once, when this thread has run out of memory: V8 raises the limit
 * then, and what runs is stopped, but often nothing tells of it.
 */
function watchHeap(onExceeded: () => void): void {
  const limit = getHeapStatistics().heap_size_limit;
  const timer = setInterval(() => {
    if (getHeapStatistics().heap_size_limit <= limit) return;
    clearInterval(timer);
    onExceeded();
  }, EVERY);
}

/** An error like that of the runtime. */
function outOfMemory(): Error {
  return Object.assign(new Error("The heap has reached its limit"), {
    code: "ERR_WORKER_OUT_OF_MEMORY",
  });
}
