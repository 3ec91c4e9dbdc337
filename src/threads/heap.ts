// How a limit of a heap is shared between what is new and what is old.

/** Which part is for what is new, and the most MiB of that. */
const YOUNG_PART = 1 / 4;
const MOST_YOUNG = 16;

/** Both parts, in MiB. */
export function splitHeap(limit: number): { young: number; old: number } {
  const young = Math.min(MOST_YOUNG, Math.floor(limit * YOUNG_PART));
  return { young, old: Math.floor(limit - young) };
}
