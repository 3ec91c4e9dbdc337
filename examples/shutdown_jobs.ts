// The job of examples/shutdown.ts, and what its workers do before they end.
import { onStop } from "@spindle/thread-pool/worker";

// The place to close a database, or to write what was collected.
onStop(() => console.log("A worker ends in peace"));

/** Works for so many ms. */
export function work(ms: number): string {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return `worked for ${ms} ms\n`;
}
