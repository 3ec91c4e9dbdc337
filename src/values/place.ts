// Where in a value something sits, as error messages say it.

import { execute, sliceText, stringify } from "./intrinsics.ts";

/** A part of a value, or, `undefined`, the whole of it. */
export type Place = { parent: Place; key: Key } | undefined;

/** What leads to a part; it is text for the part of a Map or a Set. */
export type Key = string | number | { text: string };

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
  if (typeof key === "object") return key.text;
  if (typeof key === "number") return `[${key}]`;
  return execute(IDENTIFIER, key) ? `.${key}` : `[${stringify(key)}]`;
}
