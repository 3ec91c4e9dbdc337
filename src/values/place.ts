// Places in a value, and their paths in error messages.

import { isPrimitive } from "./cloneable.ts";
import { execute, sliceText, stringify, stringOf } from "./intrinsics.ts";

/** Place of a part in a value; `undefined` is the whole value. */
export type Place = { parent: Place; key: Key } | undefined;

/** Step from a container to a part; `under` is the key of a Map's value. */
export type Key = string | number | typeof A_KEY | typeof AN_ITEM | {
  under: unknown;
};

/** Steps to a key of a Map and to an item of a Set. */
export const A_KEY = { text: " (a key)" };
export const AN_ITEM = { text: " (an item)" };

/** Maximum length of a path; a longer path is shortened in the middle. */
const LONGEST_PATH = 80;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** Returns the path from the root to a place, such as `args[0].list`. */
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
