// The setup of a thread of `node:worker_threads`, which can be stopped in a loop
// and runs out of memory alone.

import { getHeapStatistics } from "node:v8";
import { resourceLimits } from "node:worker_threads";
import { packError } from "../values/pack_error.ts";
import type { Post } from "./own_thread.ts";

/** Time in ms between two checks of the heap limit. */
const EVERY = 20;

/** The part of the Web Locks API that is used here; Deno's types omit the API. */
interface Locks {
  request(name: string, callback: () => Promise<never>): void;
}

/** Makes this thread stoppable, and reports when its memory is used up. */
export async function prepareKillable(
  memoryLimit: number | undefined,
  post: Post,
): Promise<void> {
  if (memoryLimit !== undefined) checkLimit(memoryLimit);
  await holdLock();
  // Packed while there is enough memory.
  const error = packError(outOfMemory());
  watchHeap(() => post({ kind: "crashed", error }));
}

/** Throws if this kind of thread has no such limit. */
function checkLimit(limit: number): void {
  const { maxOldGenerationSizeMb = 0 } = resourceLimits;
  if (maxOldGenerationSizeMb > 0 && maxOldGenerationSizeMb <= limit) return;
  throw new Error(
    "Option `memoryLimit` does not work here: this Deno does not limit the heap of a thread",
  );
}

/** Deno stops a thread that holds a Web Lock even in a loop. */
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
 * Calls back once when this thread has run out of memory. V8 then raises the limit
 * and stops the running code, but often nothing reports that.
 */
function watchHeap(onExceeded: () => void): void {
  const limit = getHeapStatistics().heap_size_limit;
  const timer = setInterval(() => {
    if (getHeapStatistics().heap_size_limit <= limit) return;
    clearInterval(timer);
    onExceeded();
  }, EVERY);
}

/** Returns an error like the runtime's own. */
function outOfMemory(): Error {
  return Object.assign(new Error("The heap has reached its limit"), {
    code: "ERR_WORKER_OUT_OF_MEMORY",
  });
}
