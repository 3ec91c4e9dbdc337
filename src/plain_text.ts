// Plain data as JSON text: cheaper than a structured clone, and shared with
// nobody. Only what comes back from JSON exactly as it went is plain.

import {
  arrayPrototype,
  getPrototypeOf,
  is,
  isArray,
  isFinite,
  keys,
  objectPrototype,
  parse,
  setOf,
  stringify,
} from "./intrinsics.ts";
import { markOf } from "./thread_state.ts";

/** Beyond this many values a structured clone is the cheaper way. */
const MOST_VALUES = 1024;
/** Beyond this length too. */
const LONGEST_TEXT = 16 * 1024;

/** The text of a value, or `undefined` if JSON would change it. */
export function toText(value: unknown): string | undefined {
  // A getter may have led here again.
  if (few.length > 0) return undefined;
  // A job may have given one to all objects.
  if ("toJSON" in arrayPrototype) return undefined;
  many = undefined;
  budget = MOST_VALUES;
  textBudget = LONGEST_TEXT;
  try {
    if (!isPlain(value)) return undefined;
    const text = stringify(value);
    return text.length <= LONGEST_TEXT ? text : undefined;
  } catch {
    // A getter has thrown: who packs the value in another way says where.
    return undefined;
  } finally {
    few.length = 0;
    many = undefined;
  }
}

/** The value of a text. */
export function fromText(text: string): unknown {
  return parse(text);
}

/** The objects met so far: one met twice would come back as two. */
const few: object[] = [];
let many: Set<object> | undefined;
const FEW = 16;
let budget = 0;
let textBudget = 0;

function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case "string":
      return (textBudget -= value.length) >= 0;
    case "boolean":
      return true;
    case "number":
      // JSON knows neither NaN nor the infinities nor -0.
      return isFinite(value) && !is(value, -0);
    case "object":
      return value === null ||
        (isArray(value) ? isPlainArray(value) : isPlainObject(value));
    default:
      return false;
  }
}

/** Whether an object is met for the first time, and nothing is to move with it. */
function isNew(value: object): boolean {
  if (markOf(value) !== undefined) return false;
  if (few.length < FEW) {
    for (let i = 0; i < few.length; i++) if (few[i] === value) return false;
    few[few.length] = value;
    return true;
  }
  many ??= setOf(few);
  return many.size < many.add(value).size;
}

function isPlainArray(array: unknown[]): boolean {
  budget -= array.length;
  if (
    budget < 0 || getPrototypeOf(array) !== arrayPrototype ||
    !isNew(array)
  ) return false;
  // A hole reads as undefined, which is not plain.
  for (let i = 0; i < array.length; i++) if (!isPlain(array[i])) return false;
  return keys(array).length === array.length;
}

function isPlainObject(object: object): boolean {
  if (getPrototypeOf(object) !== objectPrototype || !isNew(object)) {
    return false;
  }
  for (const key in object) {
    if (--budget < 0) return false;
    if (!isPlain((object as Record<string, unknown>)[key])) return false;
  }
  return true;
}
