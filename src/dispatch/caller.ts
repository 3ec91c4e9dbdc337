// The workers that are the caller's own thread: the one that takes what finds the
// queue full, and, without isolation, all of them.

import type { DispatcherSettings } from "./parts.ts";

/** The number of the worker that takes what finds the queue full. */
export const CALLER = 0;
/** How many jobs it may have in progress. */
const MOST = 1024;

/** What a pool's settings are for the worker of this number. */
export function settingsOf(id: number, settings: DispatcherSettings) {
  const { onCallerThread, clock } = settings;
  const callerClock = onCallerThread || id === CALLER ? clock : undefined;
  const concurrency = id === CALLER ? MOST : settings.concurrency;
  return { ...settings, concurrency, callerClock };
}
