// Plain data as JSON text: cheaper than a structured clone, and shared with
// nobody. Plain is only what comes back from JSON exactly as it went.

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

/** With more values than this, a structured clone is the cheaper way. */
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
  valuesLeft = MOST_VALUES;
  lettersLeft = LONGEST_TEXT;
  let text: string | undefined;
  try {
    const copy = copyOf(value);
    if (copy !== NOT_PLAIN) text = stringify(copy);
    if (text !== undefined && text.length > LONGEST_TEXT) text = undefined;
  } catch {
    // A getter has thrown: what packs the value in another way says where.
  }
  if (text === undefined) keepReads(value);
  forget();
  return text;
}

/** The value of a text. */
export function fromText(text: string): unknown {
  return parse(text);
}

/** The objects met so far, each with its copy: one met twice would come back as two. */
const objects: (object | undefined)[] = [];
const copies: (object | undefined)[] = [];
let count = 0;
/** These objects, once they are more than a few. */
let many: Set<object> | undefined;
const FEW = 16;
let valuesLeft = 0;
let lettersLeft = 0;

/** Instead of a copy. */
const NOT_PLAIN = Symbol("not plain");

/** A copy of a value, made by reading each part of it once. */
function copyOf(value: unknown): unknown {
  switch (typeof value) {
    case "string":
      return (lettersLeft -= value.length) >= 0 ? value : NOT_PLAIN;
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
      // With holes, and as many properties, the copy is not what was there.
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
    // A job may have given it to all objects.
    if (!hasOwn(copy, key)) return NOT_PLAIN;
    copy[key] = copied;
  }
  return copy;
}

/** Whether an object is met for the first time, and nothing moves with it. */
function isNew(object: object): boolean {
  if (markOf(object) !== undefined) return false;
  if (count < FEW) {
    for (let i = 0; i < count; i++) if (objects[i] === object) return false;
    return true;
  }
  many ??= setOf(objects as object[]);
  return many.size < many.add(object).size;
}

/** Adds an object and its copy, and gives their place. */
function add(object: object, copy: object): number {
  copies[count] = copy;
  objects[count] = object;
  return count++;
}

/** Empties the lists; if they are short, the next call fills the same ones again. */
function forget(): void {
  if (count > FEW) objects.length = copies.length = 0;
  else for (let i = 0; i < count; i++) objects[i] = copies[i] = undefined;
  count = 0;
  many = undefined;
}

/** Whether an array of these keys has neither holes nor properties beside its items. */
export function isDense(names: string[], length: number): boolean {
  // Indexes come first, and rise.
  return names.length === length &&
    (length === 0 || names[length - 1] === `${length - 1}`);
}

/** Objects with their copies: a getter, or a proxy, is asked only once. */
export type Reads = Map<object, object>;

let lastRead: { root: unknown; reads: Reads } | undefined;

function keepReads(root: unknown): void {
  if (count === 0) return void (lastRead = undefined);
  const reads = new SafeMap<object, object>();
  for (let i = 0; i < count; i++) {
    reads.set(objects[i]!, copies[i]!);
    // It may have been put into the copy of what holds it.
    reads.set(copies[i]!, copies[i]!);
  }
  lastRead = { root, reads };
}

/** Keeps what has been read of a value whose text finds no room. */
export function keepText(root: unknown, text: string): void {
  if (typeof root !== "object" || root === null) return;
  const reads = new SafeMap<object, object>();
  reads.set(root, parse(text));
  lastRead = { root, reads };
}

/** What was read of a value is needed of another one, which has the same parts. */
export function adoptReads(from: unknown, to: unknown): void {
  if (lastRead !== undefined && lastRead.root === from) lastRead.root = to;
}

/** What was read of a value that did not leave as a text; given once. */
export function takeReads(root: unknown): Reads | undefined {
  const last = lastRead;
  lastRead = undefined;
  return last !== undefined && last.root === root ? last.reads : undefined;
}
