// Errors across the thread boundary: their class, message, stack, cause and
// properties, most of which `postMessage` loses.

import {
  defineProperty,
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
  /** What its class wants to make one. */
  options?: Record<string, unknown>;
  properties: Record<string, unknown>;
}

/** As they were before any job could overwrite them. */
const {
  AggregateError,
  DOMException,
  Error,
  structuredClone,
  SuppressedError,
} = globalThis;

type ErrorClass = new (message?: string, options?: unknown) => Error;

/** The built-in classes by their names, and the names of those by their prototypes. */
const CLASSES = new SafeMap<string, ErrorClass>();
const NAMES = new SafeMap<object, string>();
/** Classes that cost something to be asked for. */
const LATE = new SafeMap<string, () => unknown>();

addClasses(globalThis, "");
addClasses(WebAssembly, "WebAssembly.");
addClasses(Deno.errors, "Deno.errors.");

function addClasses(namespace: object, prefix: string): void {
  const names = Object.getOwnPropertyNames(namespace);
  for (const key of names) {
    if (prefix === "" && !/(Error|Exception)$/.test(key)) continue;
    const property = Object.getOwnPropertyDescriptor(namespace, key)!;
    if (property.get) {
      LATE.set(key, () => (namespace as Record<string, unknown>)[key]);
    } else addClass(prefix + key, property.value);
  }
}

function addClass(name: string, Class: unknown): void {
  if (typeof Class !== "function") return;
  const { prototype } = Class;
  if (prototype !== Error.prototype && !(prototype instanceof Error)) return;
  CLASSES.set(name, Class as ErrorClass);
  NAMES.set(prototype, name);
}

/** The built-in class of a name. */
function classOf(name: string): ErrorClass | undefined {
  const late = LATE.get(name);
  if (late !== undefined) {
    LATE.delete(name);
    addClass(name, late());
  }
  return CLASSES.get(name);
}

/** What constructors of these classes want beside a message, which are no own properties. */
const OPTIONS: Record<string, string[]> = {
  QuotaExceededError: ["quota", "requested"],
  GPUPipelineError: ["reason"],
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

/** The error, or other thrown value, that was sent. */
export function unpackError(
  packed: PackedError,
  unpacked: Map<PackedError, unknown> = new SafeMap(),
): unknown {
  if ("thrown" in packed) return packed.thrown;
  if (unpacked.has(packed)) return unpacked.get(packed);
  const error = construct(packed);
  unpacked.set(packed, error);
  if (error.name !== packed.name) define(error, "name", packed.name);
  define(error, "stack", packed.stack);
  const { nested, errors, properties } = packed;
  for (let i = 0; i < nested.length; i++) {
    define(error, nested[i][0], unpackError(nested[i][1], unpacked));
  }
  if (errors) {
    const list: unknown[] = [];
    for (let i = 0; i < errors.length; i++) {
      list[i] = unpackError(errors[i], unpacked);
    }
    define(error, "errors", list);
  }
  const names = keys(properties);
  for (let i = 0; i < names.length; i++) {
    define(error, names[i], properties[names[i]], true);
  }
  return error;
}

function construct({ base, name, message, options }: PackedErrorObject): Error {
  if (base === "DOMException") return new DOMException(message, name);
  if (base === "AggregateError") return new AggregateError([], message);
  if (base === "SuppressedError") {
    return new SuppressedError(undefined, undefined, message);
  }
  const Class = classOf(base) ?? Error as ErrorClass;
  return options === undefined
    ? new Class(message)
    : new Class(message, options);
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
