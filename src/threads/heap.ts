// Divides a heap limit between V8's young and old generations.

/** Share of the young generation, and its maximum in MiB. */
const YOUNG_PART = 1 / 4;
const MOST_YOUNG = 16;

/** Returns the limits of both generations in MiB. */
export function splitHeap(limit: number): { young: number; old: number } {
  const young = Math.min(MOST_YOUNG, Math.floor(limit * YOUNG_PART));
  return { young, old: Math.floor(limit - young) };
}
