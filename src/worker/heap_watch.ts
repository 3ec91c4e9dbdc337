// Notices that this thread has run out of memory: its limit is raised then, and
// what it executed is stopped, but often nothing tells of it.

import { getHeapStatistics } from "node:v8";

/** How often that is looked at, in ms. */
const EVERY = 20;

/** Calls back, once, when the limit of the heap has been raised. */
export function watchHeap(onExceeded: () => void): void {
  const limit = getHeapStatistics().heap_size_limit;
  const timer = setInterval(() => {
    if (getHeapStatistics().heap_size_limit <= limit) return;
    clearInterval(timer);
    onExceeded();
  }, EVERY);
}

/** The error for that, like the one that the runtime has for it. */
export function outOfMemory(): Error {
  return Object.assign(new Error("The heap has reached its limit"), {
    code: "ERR_WORKER_OUT_OF_MEMORY",
  });
}
