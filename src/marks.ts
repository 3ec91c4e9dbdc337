// Which values are to move, instead of being cloned, at their next send.

import { sharedByCopies } from "./shared_by_copies.ts";

/** What moves with a marked value: the list given, or all that it holds. */
export type Mark = readonly Transferable[] | "everything";

const marks = sharedByCopies("transfers", () => ({
  of: new WeakMap<object, Mark>(),
  /** Whether anything was ever marked: until then, nobody needs to look. */
  any: false,
}));

/** Marks a value. */
export function mark(value: object, mark: Mark): void {
  marks.any = true;
  marks.of.set(value, mark);
}

/** What a value is marked to move, if it is marked. */
export function markOf(value: object): Mark | undefined {
  return marks.any ? marks.of.get(value) : undefined;
}

/** Takes the marks away from values that have been sent. */
export function unmark(values: Iterable<object>): void {
  for (const value of values) marks.of.delete(value);
}
