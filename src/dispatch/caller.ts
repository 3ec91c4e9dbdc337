// Settings of workers that are the caller's own thread: the worker for jobs
// that find the queue full, and, without isolation, all workers.

import type { DispatcherSettings } from "./parts.ts";

/** Id of the worker for jobs that find the queue full. */
export const CALLER = 0;
/** Maximum number of jobs in progress on that worker. */
const MOST = 1024;

/** Returns the pool's settings, adapted to the worker with this id. */
export function settingsOf(id: number, settings: DispatcherSettings) {
  const { onCallerThread, clock } = settings;
  const callerClock = onCallerThread || id === CALLER ? clock : undefined;
  const concurrency = id === CALLER ? MOST : settings.concurrency;
  return { ...settings, concurrency, callerClock };
}
