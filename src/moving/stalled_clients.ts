// Closes connections that still have bytes to write, but whose client reads nothing.
// One timer watches all connections. Most finish at once, and a timer for each would
// cost more than everything else in a short connection.

import { clearInterval, setInterval } from "node:timers";
import { Registry } from "../values/registry.ts";

/**
 * Maximum time in ms without progress of a client. Linux accepts more bytes only once a
 * third of the buffered bytes is sent, which can be more than a MiB. So a client that
 * reads 100 KB/s seems to read nothing for 13 s.
 */
const PATIENCE = 120_000;
/** Number of checks in that time. */
const LOOKS = 8;
/** Time in ms between two checks. */
export const EVERY: number = PATIENCE / LOOKS;

/** A connection that can be watched. */
export interface Watched {
  /** Number of the connection while it is watched; 0 at first. */
  watchNumber: number;
  /** Number of checks since its client last read, which resets it to 0. */
  looks: number;
  /** Closes the connection, because its client reads nothing. */
  close(reason: undefined): void;
}

const all = new Registry<Watched>();
let lastNumber = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Starts watching a connection. */
export function watch(one: Watched): void {
  all.set(one.watchNumber = ++lastNumber, one);
  timer ??= setInterval(look, EVERY);
}

/** Stops watching a connection. */
export function unwatch(one: Watched): void {
  if (!all.delete(one.watchNumber) || all.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

/** Checks all connections. */
export function look(): void {
  for (const one of all.values()) if (++one.looks > LOOKS) one.close(undefined);
}
