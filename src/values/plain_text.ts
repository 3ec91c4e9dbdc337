// Plain data as JSON text: cheaper than a structured clone, and shared with
// nobody. Only what comes back from JSON exactly as it went is plain.

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

/** Beyond this many values a structured clone is the cheaper way. */
const MOST_VALUES = 1024;
/** Beyond this length too. */
const LONGEST_TEXT = 16 * 1024;

/**
 * The text of a value, or `undefined` if JSON would change it; what has been
 * read of it by then is kept for `takeReads()`.
 */
export function toText(value: unknown): string | undefined {
  // A getter may have led here again.
  if (count > 0) return undefined;
  // A job may have given one to all objects.
  if ("toJSON" in arrayPrototype) return undefined;
  many = undefined;
  budget = MOST_VALUES;
  textBudget = LONGEST_TEXT;
  let text: string | undefined;
  try {
    const copy = copyOf(value);
    if (copy !== NOT_PLAIN) text = stringify(copy);
    if (text !== undefined && text.length > LONGEST_TEXT) text = undefined;
  } catch {
    // A getter has thrown: who packs the value in another way says where.
  }
  if (text === undefined) keepReads(value);
  forget();
  return text;
}

/** The value of a text. */
export function fromText(text: string): unknown {
  return parse(text);
}

/** Objects with their copies: a getter, or a proxy, is asked only once. */
export type Reads = Map<object, object>;

let lastRead: { root: unknown; reads: Reads } | undefined;

function keepReads(root: unknown): void {
  const reads = new SafeMap<object, object>();
  for (let i = 0; i < count; i++) {
    reads.set(few[i]!, copies[i]!);
    // It may have been put into the copy of what holds it.
    reads.set(copies[i]!, copies[i]!);
  }
  lastRead = count > 0 ? { root, reads } : undefined;
}

/** Keeps, for `takeReads()`, what has been read of a value whose text found no room. */
export function keepText(root: unknown, text: string): void {
  if (typeof root !== "object" || root === null) return;
  const reads = new SafeMap<object, object>();
  reads.set(root, parse(text));
  lastRead = { root, reads };
}

/** What was read of a value when no text could be made of it; given once. */
export function takeReads(root: unknown): Reads | undefined {
  const last = lastRead;
  lastRead = undefined;
  return last !== undefined && last.root === root ? last.reads : undefined;
}

/** The objects met so far, each with its copy: one met twice would come back as two. */
const few: (object | undefined)[] = [];
const copies: (object | undefined)[] = [];
let count = 0;
let many: Set<object> | undefined;
const FEW = 16;
let budget = 0;
let textBudget = 0;

/** Instead of a copy. */
const NOT_PLAIN = Symbol("not plain");

/** A copy of a value, made by reading each part of it once. */
function copyOf(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return (textBudget -= value.length) >= 0 ? value : NOT_PLAIN;
    case "boolean":
      return value;
    case "number":
      // JSON knows neither NaN nor the infinities nor -0.
      return isFinite(value) && !is(value, -0) ? value : NOT_PLAIN;
    case "object":
      if (value === null) return null;
      return isArray(value) ? copyOfArray(value) : copyOfObject(value);
    default:
      return NOT_PLAIN;
  }
}

/** Whether an object is met for the first time, and nothing is to move with it. */
function isNew(value: object): boolean {
  if (markOf(value) !== undefined) return false;
  if (count < FEW) {
    for (let i = 0; i < count; i++) if (few[i] === value) return false;
    return true;
  }
  many ??= setOf(few as object[]);
  return many.size < many.add(value).size;
}

function copyOfArray(array: unknown[]): unknown {
  const { length } = array;
  budget -= length;
  if (
    budget < 0 || getPrototypeOf(array) !== arrayPrototype || !isNew(array) ||
    keys(array).length !== length
  ) return NOT_PLAIN;
  const copy = sliceList(array);
  const at = keep(array, copy);
  for (let i = 0; i < length; i++) {
    const part = copy[i];
    const copied = copyOf(part);
    if (copied === NOT_PLAIN) {
      // With holes, and as many properties, it is not what was copied.
      if (!isDense(keys(array), length)) few[at] = copy;
      return NOT_PLAIN;
    }
    if (copied !== part) copy[i] = copied;
  }
  return copy;
}

/** Keeps the copy of an object, and gives its place. */
function keep(object: object, copy: object): number {
  copies[count] = copy;
  few[count] = object;
  return count++;
}

/** Keeps the lists themselves, which the next job fills again. */
function forget(): void {
  if (count > FEW) few.length = copies.length = 0;
  else for (let i = 0; i < count; i++) few[i] = copies[i] = undefined;
  count = 0;
  many = undefined;
}

function copyOfObject(object: object): unknown {
  if (getPrototypeOf(object) !== objectPrototype || !isNew(object)) {
    return NOT_PLAIN;
  }
  const copy = { ...object } as Record<string, unknown>;
  keep(object, copy);
  for (const key in copy) {
    if (--budget < 0) return NOT_PLAIN;
    const part = copy[key];
    const copied = copyOf(part);
    if (copied === NOT_PLAIN) return NOT_PLAIN;
    if (copied === part) continue;
    // A job may have given it to all objects.
    if (!hasOwn(copy, key)) return NOT_PLAIN;
    copy[key] = copied;
  }
  return copy;
}

/** Whether an array of these keys has neither holes nor properties beside its items. */
export function isDense(names: string[], length: number): boolean {
  // Indexes come first, and rise.
  return names.length === length &&
    (length === 0 || names[length - 1] === `${length - 1}`);
}
