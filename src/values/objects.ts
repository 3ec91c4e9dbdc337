// Finds the objects in a value, and replaces some of them.

import { bufferOf } from "./bytes.ts";
import {
  addEntry,
  addItem,
  clearMap,
  clearSet,
  eachEntry,
  eachItem,
  getPrototypeOf,
  hasOwn,
  isArray,
  isView,
  keys,
  objectPrototype,
  SafeSet,
} from "./intrinsics.ts";

const { Error, Map, Set } = globalThis;

/**
 * Returns all objects in a value, including the value itself and the buffers of views.
 *
 * @param visit Receives each object that is not a view; returns `true` to skip its parts
 */
export function objectsIn(
  value: unknown,
  visit?: (object: object) => boolean | void,
): Set<object> {
  const all = new SafeSet<object>();
  const add = (part: unknown) => {
    if (typeof part === "object" && part !== null) all.add(part);
  };
  add(value);
  // The set grows during this loop.
  eachItem(all, (item) => {
    const object = item as object;
    if (isView(object)) return add(bufferOf(object));
    if (visit?.(object)) return;
    if (object instanceof Map) {
      eachEntry(object, (part, key) => {
        add(key);
        add(part);
      });
    } else if (object instanceof Set) eachItem(object, add);
    else {
      const names = keys(object);
      for (let i = 0; i < names.length; i++) {
        add((object as Record<string, unknown>)[names[i]]);
      }
      // `cause` is not enumerable.
      if (hasCause(object)) add(object.cause);
    }
  });
  return all;
}

function hasCause(value: object): value is Error & { cause: unknown } {
  return value instanceof Error && hasOwn(value, "cause");
}

/** Replaces some objects in a container, and keeps the order of its parts. */
export function substitute(
  container: object,
  others: ReadonlyMap<object, unknown>,
): void {
  const other = (part: unknown) => others.get(part as object) ?? part;
  if (isArray(container) || getPrototypeOf(container) === objectPrototype) {
    const object = container as Record<string, unknown>;
    const names = keys(object);
    for (let i = 0; i < names.length; i++) {
      const replacement = others.get(object[names[i]] as object);
      if (replacement !== undefined) object[names[i]] = replacement;
    }
  } else if (container instanceof Map) {
    const parts: unknown[] = [];
    eachEntry(container, (value, key) => {
      parts[parts.length] = other(key);
      parts[parts.length] = other(value);
    });
    clearMap(container);
    for (let i = 0; i < parts.length; i += 2) {
      addEntry(container, parts[i], parts[i + 1]);
    }
  } else if (container instanceof Set) {
    const parts: unknown[] = [];
    eachItem(container, (item) => parts[parts.length] = other(item));
    clearSet(container);
    for (let i = 0; i < parts.length; i++) addItem(container, parts[i]);
  } else if (hasCause(container)) container.cause = other(container.cause);
}

/** Replaces some objects in a value, at any depth, and returns the value. */
export function substituteIn(
  value: unknown,
  others: ReadonlyMap<object, unknown>,
): unknown {
  eachItem(objectsIn(value), (object) => substitute(object, others));
  return others.get(value as object) ?? value;
}
