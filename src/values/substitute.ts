// Puts other objects in the places of some that a container holds.

import {
  addEntry,
  addItem,
  clearMap,
  clearSet,
  eachEntry,
  eachItem,
  getPrototypeOf,
  isArray,
  keys,
  objectPrototype,
} from "./intrinsics.ts";

const { Map, Set } = globalThis;

/** Puts others in the places of some objects; they keep their order. */
export function substitute(
  container: object,
  others: Map<object, object>,
): void {
  const other = (part: unknown) => others.get(part as object) ?? part;
  const parts: unknown[] = [];
  if (container instanceof Map) {
    eachEntry(container, (value, key) => {
      parts[parts.length] = other(key);
      parts[parts.length] = other(value);
    });
    clearMap(container);
    for (let i = 0; i < parts.length; i += 2) {
      addEntry(container, parts[i], parts[i + 1]);
    }
  } else if (container instanceof Set) {
    eachItem(container, (item) => parts[parts.length] = other(item));
    clearSet(container);
    for (let i = 0; i < parts.length; i++) addItem(container, parts[i]);
  } else if (
    isArray(container) || getPrototypeOf(container) === objectPrototype
  ) {
    const object = container as Record<string, unknown>;
    const names = keys(object);
    for (let i = 0; i < names.length; i++) {
      const replacement = others.get(object[names[i]] as object);
      if (replacement !== undefined) object[names[i]] = replacement;
    }
  }
}
