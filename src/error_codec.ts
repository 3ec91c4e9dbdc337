// Errors across the thread boundary: their class, message, stack, cause and
// properties, most of which `postMessage` loses.

import { pack } from "./pack.ts";

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

type ErrorClass = new (message?: string) => Error;

const BUILT_IN: Record<string, ErrorClass> = {
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
};

/** What is carried on its own, and not among the properties. */
const CARRIED = new Set(["name", "message", "stack", "cause"]);

/** Makes a thrown value ready to be sent; never throws. */
export function packError(
  thrown: unknown,
  packed = new Map<unknown, PackedError>(),
): PackedError {
  const known = packed.get(thrown);
  if (known) return known;
  if (!(thrown instanceof Error)) return { thrown: packValue(thrown, "error") };
  const error: PackedErrorObject = {
    base: baseOf(thrown),
    name: className(thrown),
    message: String(thrown.message),
    stack: typeof thrown.stack === "string" ? thrown.stack : undefined,
    nested: [],
    properties: {},
  };
  packed.set(thrown, error);
  for (const key of nestedKeys(thrown)) {
    error.nested.push([key, packError(property(thrown, key), packed)]);
  }
  if (thrown instanceof AggregateError) {
    error.errors = thrown.errors.map((inner) => packError(inner, packed));
  }
  for (const key of Object.keys(thrown)) {
    if (CARRIED.has(key)) continue;
    error.properties[key] = packValue(property(thrown, key), key);
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
  define(error, "stack", packed.stack);
  for (const [key, inner] of packed.nested) {
    define(error, key, unpackError(inner, unpacked));
  }
  if (packed.errors) {
    const errors = packed.errors.map((inner) => unpackError(inner, unpacked));
    define(error, "errors", errors);
  }
  return Object.assign(error, packed.properties);
}

function construct({ base, name, message }: PackedErrorObject): Error {
  if (base === "DOMException") return new DOMException(message, name);
  if (base === "AggregateError") return new AggregateError([], message);
  if (base === "SuppressedError") {
    return new SuppressedError(undefined, undefined, message);
  }
  const [, denoName] = base.split("Deno.errors.");
  const Class = denoName ? denoErrors()[denoName] : BUILT_IN[base];
  return new (Class ?? Error)(message);
}

/** The name of the nearest built-in class that an error is an instance of. */
function baseOf(error: Error): string {
  if (error instanceof DOMException) return "DOMException";
  if (error instanceof AggregateError) return "AggregateError";
  if (error instanceof SuppressedError) return "SuppressedError";
  for (
    let prototype = Object.getPrototypeOf(error);
    prototype !== null;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    const { constructor } = prototype;
    const name = constructor?.name;
    if (BUILT_IN[name] === constructor) return name;
    if (denoErrors()[name] === constructor) return `Deno.errors.${name}`;
  }
  return "Error";
}

/** The name that an error goes by: that of its class where it sets none. */
function className(error: Error): string {
  const { name, constructor } = error;
  return name === "Error" && constructor?.name
    ? constructor.name
    : String(name);
}

function nestedKeys(error: Error): string[] {
  const keys = error instanceof SuppressedError
    ? ["cause", "error", "suppressed"]
    : ["cause"];
  return keys.filter((key) => Object.hasOwn(error, key));
}

function property(error: Error, key: string): unknown {
  return (error as unknown as Record<string, unknown>)[key];
}

function denoErrors(): Record<string, ErrorClass | undefined> {
  return Deno.errors as unknown as Record<string, ErrorClass | undefined>;
}

/** A value that goes with an error; what cannot be cloned goes as its text. */
function packValue(value: unknown, root: string): unknown {
  try {
    const packed = pack(value, root);
    return packed.moves.length === 0 && packed.connections.size === 0
      ? structuredClone(packed.value)
      : String(value);
  } catch {
    return String(value);
  }
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    configurable: true,
    writable: true,
    enumerable: false,
  });
}
