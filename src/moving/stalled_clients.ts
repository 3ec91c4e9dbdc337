// Gives up connections that are still to be written out, but whose client takes
// nothing. One timer watches all: most are done in no time, and a timer each would
// cost more than all else of a short connection.

import { clearInterval, setInterval } from "node:timers";
import { Registry } from "../values/registry.ts";

/**
 * A client may take nothing for this many ms. A socket tells of that only in steps:
 * Linux lets more be written once a third of what it holds is gone, which may be more
 * than a MiB. So a client that takes 100 KB/s seems to take nothing for 13 s.
 */
const PATIENCE = 120_000;
/** How often it is looked at in that time. */
const LOOKS = 8;

/** What is watched. */
export interface Watched {
  /** Its number among those that are watched; 0 at first. */
  watchNumber: number;
  /** How often it was looked at since its client took something, which sets it to 0. */
  looks: number;
  /** Its client is given up. */
  close(reason: undefined): void;
}

const all = new Registry<Watched>();
let lastNumber = 0;
let timer: ReturnType<typeof setInterval> | undefined;

/** Watches from now on. */
export function watch(one: Watched): void {
  all.set(one.watchNumber = ++lastNumber, one);
  timer ??= setInterval(look, PATIENCE / LOOKS);
}

/** Watches no more. */
export function unwatch(one: Watched): void {
  if (!all.delete(one.watchNumber) || all.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}

function look(): void {
  for (const one of all.values()) if (++one.looks > LOOKS) one.close(undefined);
}
