// Where in a value something sits, as error messages say it.

import { isPrimitive } from "./cloneable.ts";
import { execute, sliceText, stringify, stringOf } from "./intrinsics.ts";

/** A part of a value, or, `undefined`, the whole of it. */
export type Place = { parent: Place; key: Key } | undefined;

/** What leads to a part; for the value of a Map, the key that it is under. */
export type Key = string | number | typeof A_KEY | typeof AN_ITEM | {
  under: unknown;
};

/** Leads to a key of a Map, and to an item of a Set. */
export const A_KEY = { text: " (a key)" };
export const AN_ITEM = { text: " (an item)" };

/** A longer path is shortened in the middle. */
const LONGEST_PATH = 80;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** The path to a place, such as `args[0].list`, from a root of this name. */
export function pathOf(root: string, place: Place): string {
  let path = "";
  for (; place !== undefined; place = place.parent) {
    path = stepOf(place.key) + path;
  }
  path = root + path;
  if (path.length <= LONGEST_PATH) return path;
  const half = LONGEST_PATH / 2;
  return `${sliceText(path, 0, half)}…${sliceText(path, -half)}`;
}

function stepOf(key: Key): string {
  if (typeof key === "number") return `[${key}]`;
  if (typeof key === "object") {
    if ("text" in key) return key.text;
    return isPrimitive(key.under)
      ? `.get(${stringOf(key.under)})`
      : " (a value)";
  }
  return execute(IDENTIFIER, key) ? `.${key}` : `[${stringify(key)}]`;
}
