// Packs errors for another thread with their class, message, stack, cause and
// properties; `postMessage` loses most of these.

import { isOrdinary, isPrimitive } from "./cloneable.ts";
import { errorClassName, OPTIONS } from "./error_classes.ts";
import {
  addEntry,
  addItem,
  defineData,
  eachEntry,
  eachItem,
  endsWith,
  getOwnPropertyNames,
  hasOwn,
  isArray,
  isEnumerable,
  keys,
  push,
  SafeMap,
  setOf,
} from "./intrinsics.ts";
import { functionNameOf, nameOf, textOf } from "./names.ts";
import { pack } from "./pack.ts";
import { whyCannotCross } from "./process_bound.ts";
import {
  type PackedError,
  type PackedErrorObject,
  unpackError,
} from "./unpack_error.ts";

const { Error, Map, Set, structuredClone, SuppressedError } = globalThis;
/** Also detects errors of other realms, such as a `node:vm` context. */
const { isError: isErrorOfAny } = Error as {
  isError?: (value: unknown) => boolean;
};

/** Properties that are packed separately from all others. */
const CARRIED = setOf(["name", "message", "stack", "cause"]);
/** Maximum depth of nested errors, and of values taken apart; what is deeper arrives as text. */
const DEEPEST = 100;

/** Makes a thrown value ready to send; never throws. */
export function packError(
  thrown: unknown,
  packed: Map<unknown, PackedError> = new SafeMap(),
  depth = 0,
): PackedError {
  const known = packed.get(thrown);
  if (known) return known;
  if (!isError(thrown)) return { thrown: packValue(thrown) };
  if (depth > DEEPEST) return { thrown: textOf(thrown) };
  try {
    return packObject(thrown, packed, depth);
  } catch {
    // A proxy that throws when it is read.
    return { thrown: textOf(thrown) };
  }
}

/** Returns whether a value is an error; a revoked proxy, whose check throws, is not. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error || isErrorOfAny?.(value) === true;
  } catch {
    return false;
  }
}

function packObject(
  error: Error,
  packed: Map<unknown, PackedError>,
  depth: number,
): PackedErrorObject {
  const object = bareOf(error);
  const { base, nested, properties } = object;
  packed.set(error, object);
  const packNested = (value: unknown) => packError(value, packed, depth + 1);
  const nest = (key: string) => {
    if (!hasOwn(error, key)) return;
    nested[nested.length] = [key, packNested(property(error, key))];
  };
  nest("cause");
  if (error instanceof SuppressedError) {
    nest("error");
    nest("suppressed");
  }
  if (base === "AggregateError") {
    const errors: PackedError[] = object.errors = [];
    const inner = property(error, "errors");
    for (let i = 0; isArray(inner) && i < inner.length; i++) {
      errors[i] = packNested(inner[i]);
    }
  }
  if (hasOwn(OPTIONS, base)) {
    const options: Record<string, unknown> = object.options = {};
    for (let i = 0; i < OPTIONS[base].length; i++) {
      const key = OPTIONS[base][i];
      options[key] = packValue(property(error, key));
    }
  }
  const names = getOwnPropertyNames(error);
  for (let i = 0; i < names.length; i++) {
    const key = names[i];
    if (CARRIED.has(key)) continue;
    const value = property(error, key);
    const isHidden = !isEnumerable(error, key);
    // As text, it would hide a method of every error, such as `toString()`.
    const isMethod = typeof value === "function" &&
      (isHidden || key in Error.prototype);
    if (isMethod || isHidden && isOfClass(object, key)) continue;
    if (isError(value)) nested[nested.length] = [key, packNested(value)];
    // A list is data: its parts that cannot be cloned arrive as text.
    else if (!isHidden || isList(value)) properties[key] = packValue(value);
    else {
      // A hidden value that cannot be cloned is internal to its class.
      const whole = wholeOf(value);
      if (whole === undefined) continue;
      properties[key] = whole.copy;
    }
    if (isHidden) push(object.hidden ??= [], key);
  }
  return object;
}

/** Packs an error without its nested errors and properties. */
function bareOf(error: Error): PackedErrorObject {
  const base = errorClassName(error);
  const stack = property(error, "stack");
  return {
    base,
    name: errorNameOf(error, base),
    message: textOf(property(error, "message")),
    stack: typeof stack === "string" ? stack : undefined,
    nested: [],
    properties: {},
  };
}

function isList(value: unknown): boolean {
  try {
    return isArray(value);
  } catch {
    return false; // A revoked proxy.
  }
}

/** Returns whether all errors of the class have this property. */
function isOfClass({ base }: PackedErrorObject, key: string): boolean {
  return base === "AggregateError" && key === "errors" ||
    base === "SuppressedError" && (key === "error" || key === "suppressed");
}

/** Returns the name of an error; if its class sets none, the name of the class. */
function errorNameOf(error: Error, base: string): string {
  const name = property(error, "name");
  const isOfBase = base !== "DOMException" && typeof name === "string" &&
    (base === name || endsWith(base, `.${name}`));
  const ofClass = isOfBase && functionNameOf(property(error, "constructor"));
  return ofClass || textOf(name);
}

/** Reads a property; `undefined` if its getter throws. */
function property(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** Maximum number of objects taken apart in a value that cannot be cloned whole. */
const MOST_TAKEN = 1_000;

/** Packs a value of an error; parts that cannot be cloned become text. */
function packValue(
  value: unknown,
  taken: Map<unknown, object> = new SafeMap(),
  depth = 0,
): unknown {
  if (typeof value === "function") return nameOf(value);
  const whole = wholeOf(value);
  if (whole) return whole.copy;
  // Every level is tried as a whole.
  if (depth > DEEPEST) return textOf(value);
  const parts = taken.get(value) ?? takeApart(value as object, taken, depth);
  return parts ?? textOf(value);
}

/** Returns a copy of a value, if all of it can be cloned. */
function wholeOf(value: unknown): { copy: unknown } | undefined {
  if (isPrimitive(value)) return { copy: value };
  try {
    // Threads use the rule for processes too, so errors are the same in both.
    const { value: copy, moves, departing } = pack(value, "error", {
      whyStays: whyCannotCross,
    });
    const isWhole = moves.length === 0 && departing.length === 0;
    return isWhole ? { copy: structuredClone(copy) } : undefined;
  } catch {
    return undefined;
  }
}

/** Copies a plain container or an error, part by part. */
function takeApart(
  value: object,
  taken: Map<unknown, object>,
  depth: number,
): object | undefined {
  try {
    const copy = emptyCopy(value);
    if (copy === undefined || taken.size === MOST_TAKEN) return undefined;
    taken.set(value, copy);
    fill(copy, value, (part) => packValue(part, taken, depth + 1));
    return copy;
  } catch {
    return undefined;
  }
}

function emptyCopy(value: object): object | undefined {
  if (isArray(value)) return [];
  if (value instanceof Map) return new Map();
  if (value instanceof Set) return new Set();
  if (isError(value)) return unpackError(bareOf(value)) as Error;
  return keys(value).length > 0 && isOrdinary(value) ? {} : undefined;
}

/** Fills a copy with copies of the value's parts. */
function fill(
  copy: object,
  value: object,
  copyOf: (part: unknown) => unknown,
): void {
  if (copy instanceof Map) {
    eachEntry(value as Map<unknown, unknown>, (part, key) => {
      addEntry(copy, copyOf(key), copyOf(part));
    });
  } else if (copy instanceof Set) {
    eachItem(value as Set<unknown>, (item) => addItem(copy, copyOf(item)));
  } else if (copy instanceof Error) {
    // Only the cause: a clone loses the other properties of any error in a value.
    if (!hasOwn(value, "cause")) return;
    defineData(copy, "cause", copyOf(property(value, "cause")), false);
  } else {
    const names = keys(value);
    for (let i = 0; i < names.length; i++) {
      defineData(copy, names[i], copyOf(property(value, names[i])));
    }
  }
}
