// What a test of what servers hold is, and what comes of it.
import type { Contestant } from "./contestants.ts";
import type { Effort } from "./effort.ts";
import type { Target } from "./report.ts";

/** One test. */
export interface Holding {
  name: string;
  title(effort: Effort): string;
  head: string[];
  measure(contestant: Contestant, effort: Effort): Promise<Held>;
  /** The targets of the pool, in the order of `Held.figures`. */
  targets: Omit<Target, "figure">[];
}

/** What came of it for one server. */
export interface Held {
  cells: string[];
  figures: number[];
}
