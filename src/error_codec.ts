// Errors across the thread boundary: their class, message, stack, cause and
// properties, most of which `postMessage` loses.

import {
  defineProperty,
  getPrototypeOf,
  hasOwn,
  isArray,
  keys,
  SafeMap,
  setOf,
  sliceText,
  startsWith,
} from "./intrinsics.ts";
import { pack } from "./pack.ts";
import { withoutCallers } from "./stacks.ts";
import { textOf } from "./text_of.ts";

/** An error, or any other thrown value, as it is sent. */
export type PackedError = { thrown: unknown } | PackedErrorObject;

interface PackedErrorObject {
  /** The built-in class that it is an instance of. */
  base: string;
  name: string;
  message: string;
  stack: string | undefined;
  /** What it refers to: its cause, and for a `SuppressedError` its two errors. */
  nested: [key: string, PackedError][];
  errors?: PackedError[];
  properties: Record<string, unknown>;
}

/** As they were before any job could overwrite them. */
const {
  AggregateError,
  DOMException,
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  structuredClone,
  SuppressedError,
  SyntaxError,
  TypeError,
  URIError,
} = globalThis;

type ErrorClass = new (message?: string) => Error;

const { errors } = Deno;
/** What the names of its classes begin with. */
const DENO = "Deno.errors.";

const CLASSES: Record<string, unknown> = {
  AggregateError,
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SuppressedError,
  SyntaxError,
  TypeError,
  URIError,
};

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

/** The error, or other thrown value, that was sent. */
export function unpackError(
  packed: PackedError,
  unpacked = new Map<PackedError, unknown>(),
): unknown {
  if ("thrown" in packed) return packed.thrown;
  if (unpacked.has(packed)) return unpacked.get(packed);
  const error = construct(packed);
  unpacked.set(packed, error);
  if (error.name !== packed.name) define(error, "name", packed.name);
  const { stack } = packed;
  define(error, "stack", stack && withoutCallers(stack));
  for (const [key, inner] of packed.nested) {
    define(error, key, unpackError(inner, unpacked));
  }
  if (packed.errors) {
    const errors = packed.errors.map((inner) => unpackError(inner, unpacked));
    define(error, "errors", errors);
  }
  for (const [key, value] of Object.entries(packed.properties)) {
    define(error, key, value, true);
  }
  return error;
}

function construct({ base, name, message }: PackedErrorObject): Error {
  if (base === "DOMException") return new DOMException(message, name);
  if (base === "AggregateError") return new AggregateError([], message);
  if (base === "SuppressedError") {
    return new SuppressedError(undefined, undefined, message);
  }
  const Class = startsWith(base, DENO)
    ? denoErrors()[sliceText(base, DENO.length)]
    : CLASSES[base];
  return new ((Class ?? Error) as ErrorClass)(message);
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
  if (error instanceof DOMException) return "DOMException";
  for (
    let prototype = getPrototypeOf(error);
    prototype !== null;
    prototype = getPrototypeOf(prototype)
  ) {
    const constructor = property(prototype, "constructor");
    const name = typeof constructor === "function" ? constructor.name : "";
    if (CLASSES[name] === constructor) return name;
    if (denoErrors()[name] === constructor) return DENO + name;
  }
  return "Error";
}

/** The name that an error goes by: that of its class where the class sets none. */
function nameOf(error: Error, base: string): string {
  const name = property(error, "name");
  const constructor = property(error, "constructor");
  const inherited = startsWith(base, DENO)
    ? sliceText(base, DENO.length)
    : base;
  return name === inherited && typeof constructor === "function" &&
      constructor.name !== "" && base !== "DOMException"
    ? constructor.name
    : textOf(name);
}

/** A property; a getter that throws has none. */
function property(object: object, key: string): unknown {
  try {
    return (object as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function denoErrors(): Record<string, ErrorClass | undefined> {
  return errors as unknown as Record<string, ErrorClass | undefined>;
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

function define(
  error: Error,
  key: string,
  value: unknown,
  enumerable = false,
): void {
  defineProperty(error, key, {
    value,
    configurable: true,
    writable: true,
    enumerable,
  });
}
