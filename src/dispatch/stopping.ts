// Ends workers that get no more jobs once they have nothing left to do. Their
// `onStop()` callbacks run first, within a grace.

import type { AllShared } from "./parts.ts";
import type { PoolWorker } from "./worker.ts";

const LATE = "What onStop() was given took longer than `stopGrace`";

/** Continues all stops that can continue; the caller dispatches afterwards. */
export function goOnStopping(parts: AllShared): void {
  const { workers, watch } = parts;
  for (const worker of [...workers.inactive]) {
    if (worker.state === "stopping") awaitStop(worker, parts);
    else if (worker.state !== "draining") continue;
    else if (!worker.isDone) watch.expectStall();
    else if (worker.asksToStop) tellToStop(worker, parts);
    else workers.endWell(worker);
  }
}

/** Tells a worker to stop; until it has, it keeps the process running. */
function tellToStop(worker: PoolWorker, parts: AllShared): void {
  const { workers, watch, settings: { stopGrace, now } } = parts;
  workers.to(worker, "stopping");
  worker.keepProcess(true);
  worker.tellToStop();
  watch.at("grace", worker.lastGrace = now() + stopGrace);
}

function awaitStop(worker: PoolWorker, parts: AllShared): void {
  const { workers, watch, events, settings } = parts;
  if (worker.hasStopped) return workers.endWell(worker);
  const due = worker.lastGrace!;
  if (settings.now() < due) return watch.at("grace", due);
  events.emit("workererror", { workerId: worker.id, error: new Error(LATE) });
  workers.endWell(worker);
}
