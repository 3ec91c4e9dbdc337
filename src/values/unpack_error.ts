// Puts errors together that came from another thread. It stands by itself, since
// a job that is aborted must not have to wait until all that packs is loaded.

import { defineProperty, keys, SafeMap } from "./intrinsics.ts";
import { withoutCallers } from "./stacks.ts";

/** An error, or any other thrown value, as it is sent. */
export type PackedError = { thrown: unknown } | PackedErrorObject;

/** An error as it is sent. */
export interface PackedErrorObject {
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
const { AggregateError, DOMException, Error, SuppressedError } = globalThis;

type ErrorClass = new (message?: string, options?: unknown) => Error;

/** The built-in classes by their names, and the names of those by their prototypes. */
const CLASSES = new SafeMap<string, ErrorClass>();
export const NAMES = new SafeMap<object, string>();
/** Classes that cost something to be asked for. */
export const LATE = new SafeMap<string, () => unknown>();

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
export function classOf(name: string): ErrorClass | undefined {
  const late = LATE.get(name);
  if (late !== undefined) {
    LATE.delete(name);
    addClass(name, late());
  }
  return CLASSES.get(name);
}

/** What constructors of these classes want beside a message, which are no own properties. */
export const OPTIONS: Record<string, string[]> = {
  QuotaExceededError: ["quota", "requested"],
  GPUPipelineError: ["reason"],
};

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
  const { stack } = packed;
  define(error, "stack", stack && withoutCallers(stack));
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
