// Writes arguments as text if one of them moves: the description of that argument, then
// the other arguments.

import { shift, stringify } from "../values/intrinsics.ts";
import { adoptReads, toText } from "../values/plain_text.ts";
import type { Cargo } from "./cargo.ts";

/** Arguments as text: the index of the moving one, its description, and the others. */
export interface ArgumentsText {
  text: string;
  cargo: Cargo;
}

/**
 * Returns the text of all arguments except one, if they are plain data. Otherwise,
 * keeps what was read of them.
 */
export function textOfOthers(
  args: readonly unknown[],
  place: number,
): string | undefined {
  const others = args.toSpliced(place, 1);
  const text = toText(others);
  if (text === undefined) adoptReads(others, args);
  return text;
}

/** Adds the index and description of the moving argument to that text. */
export function textWith(
  place: number,
  about: readonly unknown[],
  others: string,
): string {
  const rest = others === "[]" ? "]" : `,${others.slice(1)}`;
  return `[${place},${stringify(about)}${rest}`;
}

/** Returns the description of the moving argument from the parsed text. */
export function toldOf(args: unknown[]): unknown {
  return args[1];
}

/** Puts the moved value at its index, and removes the index and the description. */
export function putBack(args: unknown[], value: unknown): void {
  const place = shift(args) as number;
  for (let i = 0; i < place; i++) args[i] = args[i + 1];
  args[place] = value;
}
