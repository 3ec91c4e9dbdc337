// Conditions that must always hold. Tests are notified when one is broken.

import type { JobQueue } from "../job/queue.ts";
import type { Room } from "../job/room.ts";
import type { Workers } from "./workers.ts";

/** Set by tests; without it, a check costs one comparison. */
export const invariants: { onBroken: ((what: string) => void) | undefined } = {
  onBroken: undefined,
};

export function assertInvariant(condition: boolean, violation: string): void {
  if (!condition) invariants.onBroken?.(violation);
}

/** Checks that the queue, the workers and the counters agree. */
export function checkAll(queue: JobQueue, workers: Workers, room: Room): void {
  if (invariants.onBroken === undefined) return;
  let inFlight = 0;
  for (const worker of workers.active) {
    const { state, jobs, isReady } = worker;
    const { sent, running } = jobs.count();
    inFlight += jobs.length;
    assertInvariant(
      sent + running <= jobs.length,
      "more jobs run than were sent",
    );
    assertInvariant(
      (state === "idle") === workers.idle.includes(worker),
      `a worker that is ${state} is among the idle ones, or is not`,
    );
    assertInvariant(
      state !== "idle" || jobs.length === 0,
      "an idle worker has jobs",
    );
    assertInvariant(
      state === "starting" || isReady,
      `a ${state} worker is not ready`,
    );
    for (const job of jobs.all()) {
      assertInvariant(
        job.worker === worker,
        "a job is in flight to two workers",
      );
    }
  }
  for (const worker of workers.inactive) {
    assertInvariant(
      worker.jobs.length === 0,
      `a ${worker.state} worker has jobs`,
    );
  }
  assertInvariant(
    queue.length + queue.parked + inFlight <= room.jobs,
    "more jobs are queued and in flight than were accepted",
  );
}
