// Converts plain data to JSON text, which is cheaper than a structured clone and
// shares no objects. Data is plain only if JSON preserves it exactly.

import {
  arrayPrototype,
  getPrototypeOf,
  hasOwn,
  is,
  isArray,
  isFinite,
  keys,
  objectPrototype,
  parse,
  SafeMap,
  setOf,
  sliceList,
  stringify,
} from "./intrinsics.ts";
import { markOf } from "./thread_state.ts";

/** Maximum number of values; for more, a structured clone is cheaper. */
const MOST_VALUES = 1024;
/** Maximum length of the text, for the same reason. */
const LONGEST_TEXT = 16 * 1024;

/**
 * Returns the text of a value; `undefined` if JSON would change the value, or the value
 * is large. In that case, the parts that were read are kept for `takeReads()`.
 */
export function toText(value: unknown): string | undefined {
  // A getter can call this function again.
  if (count > 0) return undefined;
  // A job can add `toJSON` to all objects.
  if ("toJSON" in arrayPrototype) return undefined;
  valuesLeft = MOST_VALUES;
  lettersLeft = LONGEST_TEXT;
  let text: string | undefined;
  try {
    const copy = copyOf(value);
    if (copy !== NOT_PLAIN) text = stringify(copy);
    if (text !== undefined && text.length > LONGEST_TEXT) text = undefined;
  } catch {
    // A getter has thrown: `pack()` reports where.
  }
  if (text === undefined) keepReads(value);
  forget();
  return text;
}

/** Returns the value of a text. */
export function fromText(text: string): unknown {
  return parse(text);
}

/** Objects found so far, and their copies. JSON would duplicate an object found twice. */
const objects: (object | undefined)[] = [];
const copies: (object | undefined)[] = [];
let count = 0;
/** The same objects as a set, if there are more than a few. */
let many: Set<object> | undefined;
const FEW = 16;
let valuesLeft = 0;
let lettersLeft = 0;

/** Returned instead of a copy. */
const NOT_PLAIN = Symbol("not plain");

/** Copies a value, and reads each part only once. */
function copyOf(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return (lettersLeft -= value.length) >= 0 ? value : NOT_PLAIN;
    case "boolean":
      return value;
    case "number":
      // JSON has no NaN, infinities or -0.
      return isFinite(value) && !is(value, -0) ? value : NOT_PLAIN;
    case "object":
      if (value === null) return null;
      return isArray(value) ? copyOfArray(value) : copyOfObject(value);
    default:
      return NOT_PLAIN;
  }
}

function copyOfArray(array: unknown[]): unknown {
  const { length } = array;
  valuesLeft -= length;
  if (
    valuesLeft < 0 || getPrototypeOf(array) !== arrayPrototype ||
    !isNew(array) || keys(array).length !== length
  ) return NOT_PLAIN;
  const copy = sliceList(array);
  const at = add(array, copy);
  for (let i = 0; i < length; i++) {
    const part = copy[i];
    const copied = copyOf(part);
    if (copied === NOT_PLAIN) {
      // With as many extra properties as holes, the copy is wrong: do not keep it.
      if (!isDense(keys(array), length)) objects[at] = copy;
      return NOT_PLAIN;
    }
    if (copied !== part) copy[i] = copied;
  }
  return copy;
}

function copyOfObject(object: object): unknown {
  if (getPrototypeOf(object) !== objectPrototype || !isNew(object)) {
    return NOT_PLAIN;
  }
  const copy = { ...object } as Record<string, unknown>;
  add(object, copy);
  for (const key in copy) {
    if (--valuesLeft < 0) return NOT_PLAIN;
    const part = copy[key];
    const copied = copyOf(part);
    if (copied === NOT_PLAIN) return NOT_PLAIN;
    if (copied === part) continue;
    // A job can add this key to all objects.
    if (!hasOwn(copy, key)) return NOT_PLAIN;
    copy[key] = copied;
  }
  return copy;
}

/** Returns whether an object is found for the first time, and has no mark. */
function isNew(object: object): boolean {
  if (markOf(object) !== undefined) return false;
  if (count < FEW) {
    for (let i = 0; i < count; i++) if (objects[i] === object) return false;
    return true;
  }
  many ??= setOf(objects as object[]);
  return many.size < many.add(object).size;
}

/** Adds an object and its copy, and returns their index. */
function add(object: object, copy: object): number {
  copies[count] = copy;
  objects[count] = object;
  return count++;
}

/** Empties the lists; short lists keep their length for the next call. */
function forget(): void {
  if (count > FEW) objects.length = copies.length = 0;
  else for (let i = 0; i < count; i++) objects[i] = copies[i] = undefined;
  count = 0;
  many = undefined;
}

/** Returns whether an array with these keys has no holes and no extra properties. */
export function isDense(names: string[], length: number): boolean {
  // Indexes come first, in ascending order.
  return names.length === length &&
    (length === 0 || names[length - 1] === `${length - 1}`);
}

/** Objects with their copies, so each getter or proxy is read only once. */
export type Reads = Map<object, object>;

let lastRead: { root: unknown; reads: Reads } | undefined;

function keepReads(root: unknown): void {
  if (count === 0) return void (lastRead = undefined);
  const reads = new SafeMap<object, object>();
  for (let i = 0; i < count; i++) {
    reads.set(objects[i]!, copies[i]!);
    // The copy of its container may already hold this copy.
    reads.set(copies[i]!, copies[i]!);
  }
  lastRead = { root, reads };
}

/** Keeps the parts of a value whose text did not fit. */
export function keepText(root: unknown, text: string): void {
  if (typeof root !== "object" || root === null) return;
  const reads = new SafeMap<object, object>();
  reads.set(root, parse(text));
  lastRead = { root, reads };
}

/** Makes the kept parts of one value available for another with the same parts. */
export function adoptReads(from: unknown, to: unknown): void {
  if (lastRead !== undefined && lastRead.root === from) lastRead.root = to;
}

/** Returns, only once, the kept parts of a value that was not sent as text. */
export function takeReads(root: unknown): Reads | undefined {
  const last = lastRead;
  lastRead = undefined;
  return last !== undefined && last.root === root ? last.reads : undefined;
}
