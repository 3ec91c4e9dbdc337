// Errors across the thread boundary: their class, message, stack, cause and
// properties, most of which `postMessage` loses.

import {
  getPrototypeOf,
  hasOwn,
  isArray,
  keys,
  lastIndexOf,
  SafeMap,
  setOf,
  sliceText,
} from "./intrinsics.ts";
import { pack } from "./pack.ts";
import { textOf } from "./text_of.ts";
import {
  classOf,
  LATE,
  NAMES,
  OPTIONS,
  type PackedError,
  type PackedErrorObject,
} from "./unpack_error.ts";

export { type PackedError, unpackError } from "./unpack_error.ts";

/** As they were before any job could overwrite them. */
const { Error, structuredClone, SuppressedError } = globalThis;

/** What is carried on its own, and not among the properties. */
const CARRIED = setOf(["name", "message", "stack", "cause"]);

/** What errors of these classes refer to. */
const NESTED: {
  key: string;
  Class: abstract new (...args: never[]) => Error;
}[] = [
  { key: "cause", Class: Error },
  { key: "error", Class: SuppressedError },
  { key: "suppressed", Class: SuppressedError },
];

/** Of a longer chain of causes, the rest arrives as text. */
const DEEPEST = 100;

/** Makes a thrown value ready to be sent; never throws. */
export function packError(
  thrown: unknown,
  packed = new SafeMap<unknown, PackedError>(),
  depth = 0,
): PackedError {
  const known = packed.get(thrown);
  if (known) return known;
  if (!isError(thrown)) return { thrown: packValue(thrown, "error") };
  if (depth > DEEPEST) return { thrown: textOf(thrown) };
  try {
    return packObject(thrown, packed, depth);
  } catch {
    // It is a proxy that throws at whoever looks.
    return { thrown: textOf(thrown) };
  }
}

function packObject(
  thrown: Error,
  packed: Map<unknown, PackedError>,
  depth: number,
): PackedErrorObject {
  const error: PackedErrorObject = {
    base: baseOf(thrown),
    name: "",
    message: textOf(property(thrown, "message")),
    stack: undefined,
    nested: [],
    properties: {},
  };
  packed.set(thrown, error);
  error.name = nameOf(thrown, error.base);
  const stack = property(thrown, "stack");
  if (typeof stack === "string") error.stack = stack;
  const nest = (key: string, value: unknown) => {
    const { nested } = error;
    nested[nested.length] = [key, packError(value, packed, depth + 1)];
  };
  for (let i = 0; i < NESTED.length; i++) {
    const { key, Class } = NESTED[i];
    if (thrown instanceof Class && hasOwn(thrown, key)) {
      nest(key, property(thrown, key));
    }
  }
  if (hasOwn(OPTIONS, error.base)) {
    const wanted = OPTIONS[error.base];
    const options: Record<string, unknown> = error.options = {};
    for (let i = 0; i < wanted.length; i++) {
      options[wanted[i]] = packValue(property(thrown, wanted[i]), wanted[i]);
    }
  }
  if (error.base === "AggregateError") {
    const inner = property(thrown, "errors");
    const errors: PackedError[] = error.errors = [];
    for (let i = 0; isArray(inner) && i < inner.length; i++) {
      errors[i] = packError(inner[i], packed, depth + 1);
    }
  }
  const names = keys(thrown);
  for (let i = 0; i < names.length; i++) {
    const key = names[i];
    if (CARRIED.has(key)) continue;
    const value = property(thrown, key);
    if (isError(value)) nest(key, value);
    else error.properties[key] = packValue(value, key);
  }
  return error;
}

/** Whether a value is an error; a proxy that has been revoked throws at whoever asks. */
export function isError(value: unknown): value is Error {
  try {
    return value instanceof Error;
  } catch {
    return false;
  }
}

/** The name of the nearest built-in class that an error is an instance of. */
function baseOf(error: Error): string {
  for (
    let prototype: object | null = getPrototypeOf(error);
    prototype !== null;
    prototype = getPrototypeOf(prototype)
  ) {
    if (LATE.size > 0 && !NAMES.has(prototype)) {
      const constructor = property(prototype, "constructor");
      if (typeof constructor === "function") classOf(constructor.name);
    }
    const name = NAMES.get(prototype);
    if (name !== undefined) return name;
  }
  return "Error";
}

/** The name that an error goes by: that of its class where the class sets none. */
function nameOf(error: Error, base: string): string {
  const name = property(error, "name");
  const constructor = property(error, "constructor");
  return name === lastPartOf(base) && typeof constructor === "function" &&
      constructor.name !== "" && base !== "DOMException"
    ? constructor.name
    : textOf(name);
}

/** `"NotFound"` of `"Deno.errors.NotFound"`. */
function lastPartOf(name: string): string {
  return sliceText(name, lastIndexOf(name, ".") + 1);
}

/** A property; a getter that throws has none. */
function property(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

/** A value that goes with an error; what cannot be cloned goes as its text. */
function packValue(value: unknown, root: string): unknown {
  try {
    const packed = pack(value, root);
    return packed.moves.length === 0 && packed.departing.length === 0
      ? structuredClone(packed.value)
      : textOf(value);
  } catch {
    return textOf(value);
  }
}
