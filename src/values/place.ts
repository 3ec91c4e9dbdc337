// Where in a value something sits, as error messages say it.

import { execute, sliceText, stringify } from "./intrinsics.ts";

/** A part of a value; the key is text where it is the part of a Map or a Set. */
export interface Place {
  parent: Place | undefined;
  key: string | number | { text: string };
}

/** A longer path is shortened in the middle. */
const LONGEST_PATH = 80;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

/** The path to a place, such as `args[0].list`, from a root of this name. */
export function pathOf(root: string, place: Place | undefined): string {
  let path = "";
  for (; place !== undefined; place = place.parent) {
    path = stepOf(place.key) + path;
  }
  path = root + path;
  if (path.length <= LONGEST_PATH) return path;
  const half = LONGEST_PATH / 2;
  return `${sliceText(path, 0, half)}…${sliceText(path, -half)}`;
}

function stepOf(key: Place["key"]): string {
  if (typeof key === "object") return key.text;
  if (typeof key === "number") return `[${key}]`;
  return execute(IDENTIFIER, key) ? `.${key}` : `[${stringify(key)}]`;
}
