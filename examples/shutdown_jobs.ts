// The job of examples/shutdown.ts, and a callback that runs before a worker stops.
import { onStop } from "@spindle/thread-pool/worker";

// This is the place to close a database, or to write collected data.
onStop(() => console.log("A worker ends in peace"));

/** Computes for the given time in ms. */
export function work(ms: number): string {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return `worked for ${ms} ms\n`;
}
