// Rebuilds errors that came from another thread. This is a separate file, so an
// aborted job does not have to wait until the files for packing are loaded.

import { errorClass } from "./error_classes.ts";
import { defineData, hasOwn, keys, SafeMap, setOf } from "./intrinsics.ts";
import { withoutCallers } from "./stacks.ts";

/** An error or another thrown value, as it is sent. */
export type PackedError = { thrown: unknown } | PackedErrorObject;

/** An error as it is sent. */
export interface PackedErrorObject {
  /** Name of the nearest built-in class. */
  base: string;
  name: string;
  message: string;
  stack: string | undefined;
  /** Its cause, properties that are errors, and the two errors of a `SuppressedError`. */
  nested: [key: string, PackedError][];
  /** Errors of an `AggregateError`. */
  errors?: PackedError[];
  /** Constructor options of its class. */
  options?: Record<string, unknown>;
  properties: Record<string, unknown>;
  /** Names of the properties and nested errors that are not enumerable. */
  hidden?: string[];
}

const { AggregateError, DOMException, Error, SuppressedError } = globalThis;

/** Returns the error or other thrown value that was sent. */
export function unpackError(
  packed: PackedError,
  unpacked: Map<PackedError, unknown> = new SafeMap(),
): unknown {
  if ("thrown" in packed) return packed.thrown;
  if (unpacked.has(packed)) return unpacked.get(packed);
  const error = construct(packed);
  unpacked.set(packed, error);
  const { name, stack, nested, errors, properties, hidden } = packed;
  if (error.name !== name) defineData(error, "name", name, false);
  defineData(error, "stack", stack && withoutCallers(stack), false);
  const hiddenOnes = hidden && setOf(hidden);
  const isHidden = (key: string) => hiddenOnes?.has(key) === true;
  for (let i = 0; i < nested.length; i++) {
    const key = nested[i][0];
    const isListed = !(key === "cause" || hasOwn(error, key) || isHidden(key));
    defineData(error, key, unpackError(nested[i][1], unpacked), isListed);
  }
  if (errors) {
    const list: unknown[] = [];
    for (let i = 0; i < errors.length; i++) {
      list[i] = unpackError(errors[i], unpacked);
    }
    defineData(error, "errors", list, false);
  }
  const names = keys(properties);
  for (let i = 0; i < names.length; i++) {
    const key = names[i];
    defineData(error, key, properties[key], !isHidden(key));
  }
  return error;
}

function construct({ base, name, message, options }: PackedErrorObject): Error {
  if (base === "DOMException") return new DOMException(message, name);
  if (base === "AggregateError") return new AggregateError([], message);
  if (base === "SuppressedError") {
    return new SuppressedError(undefined, undefined, message);
  }
  const Class = errorClass(base) ?? Error;
  return options === undefined
    ? new Class(message)
    : new Class(message, options as ErrorOptions);
}
