// Arguments as text, with one thing among them that moves: what there is to tell of
// it, and the others.

import { shift, stringify } from "../values/intrinsics.ts";
import { adoptReads, toText } from "../values/plain_text.ts";
import type { Cargo } from "./cargo.ts";

/** The arguments of a job as text: a place, what there is to tell of what is there, and the others. */
export interface ArgumentsText {
  text: string;
  cargo: Cargo;
}

/**
 * The text of all arguments but one, if they are plain data; else what has been
 * read of them is kept.
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

/** That text with what there is to tell of the other one. */
export function textWith(
  place: number,
  about: readonly unknown[],
  others: string,
): string {
  const rest = others === "[]" ? "]" : `,${others.slice(1)}`;
  return `[${place},${stringify(about)}${rest}`;
}

/** What was told of that one, first of the arguments that were read from their text. */
export function toldOf(args: unknown[]): unknown {
  return args[1];
}

/** Puts it where it belongs. */
export function putBack(args: unknown[], value: unknown): void {
  const place = shift(args) as number;
  for (let i = 0; i < place; i++) args[i] = args[i + 1];
  args[place] = value;
}
