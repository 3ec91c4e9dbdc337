// Gives up those that are still to be written out, but whose client has taken
// nothing for a while. One timer watches all: most are done in no time, and a
// timer each would cost more than all else that a short connection takes.

/** For so many ms a client may take nothing. */
const PATIENCE = 10_000;
/** So often that is looked at, of so many times as it takes. */
const LOOKS = 8;

/** What is watched. */
export interface Watched {
  /** Its place among all that are; for the use of this file. */
  place: number | undefined;
  /** How often it was seen since its client took something: set to 0 when it does. */
  seen: number;
  /** Its client is not waited for any more. */
  giveUp(): void;
}

const all: Watched[] = [];
let timer: ReturnType<typeof setInterval> | undefined;

/** Watches from now on. */
export function watch(one: Watched): void {
  if (one.place !== undefined) return;
  one.place = all.push(one) - 1;
  timer ??= setInterval(look, PATIENCE / LOOKS);
}

/** Watches no more. */
export function unwatch(one: Watched): void {
  if (one.place === undefined) return;
  const last = all.pop()!;
  // The last one takes its place.
  if (last !== one) all[last.place = one.place] = last;
  one.place = undefined;
  if (all.length > 0) return;
  clearInterval(timer);
  timer = undefined;
}

function look(): void {
  for (const one of [...all]) if (++one.seen > LOOKS) one.giveUp();
}
