// Makes the deep copy of a value to send: copies all containers, and records where
// the values are that need more than a clone.

import { JobCloneError } from "../errors.ts";
import { bufferOf, lengthOf, whyLost } from "./bytes.ts";
import { isDate, isHidden, isOrdinary, isPrimitive } from "./cloneable.ts";
import { sizeOfPrimitive, sizeOfPrimitives, sliceOf } from "./arrays.ts";
import type { Kind, Movers, WhyStays } from "./departing.ts";
import type { Findings } from "./findings.ts";
import {
  addEntry,
  addItem,
  defineData,
  eachEntry,
  eachItem,
  hasOwn,
  isArray,
  isView,
  keys,
  SafeMap,
} from "./intrinsics.ts";
import { isMoveOnly } from "./movable.ts";
import { classNameOf, isNamesake, nameOf, textOf } from "./names.ts";
import { A_KEY, AN_ITEM, type Key, pathOf, type Place } from "./place.ts";
import { isDense, type Reads } from "./plain_text.ts";

const { Array, ArrayBuffer, Error, Map, Set, structuredClone } = globalThis;

/**
 * Maximum length of an array of primitives that is copied. Reading the keys of an
 * array, to find holes and extra properties, takes as long as cloning the array.
 */
const LONG_ARRAY = 100_000;
const STACK_OVERFLOW = "Maximum call stack size exceeded";

/** Copies one value. */
export class Copier {
  /** Copy of each object; an object that is left to `postMessage` is its own copy. */
  readonly copies = new SafeMap<object, object>();
  /** Long arrays of primitives, which are cloned uncopied, and their places. */
  readonly #longArrays: [unknown[], Place][] = [];
  /** Whether the copy has no object of the caller, so it can share a message. */
  isOwn = true;
  /** Approximate size of the value in bytes, including what moves. */
  size = 0;
  /** Whether the current value is part of an error, which is cloned uncopied. */
  #isCloned = false;
  /** Place that is being read, for errors: a container, and the key of a part. */
  #place: Place;
  #key: Key | undefined;

  /**
   * @param found Records values that need more than a copy
   * @param reads Objects that were read before, with copies that need only completion
   */
  constructor(
    readonly found: Findings,
    readonly movers: Movers,
    readonly whyStays: WhyStays | undefined,
    readonly reads: Reads | undefined,
  ) {}

  /** @throws {JobCloneError} If a part can be neither cloned nor moved */
  copy<T>(value: T): T {
    try {
      return this.#copy(value, undefined) as T;
    } catch (cause) {
      if (cause instanceof JobCloneError) throw cause;
      // A getter or a proxy has thrown, or the value is nested too deeply.
      const message = cause instanceof Error ? cause.message : textOf(cause);
      const why = message === STACK_OVERFLOW
        ? "is nested too deeply"
        : `cannot be read: ${message}`;
      const place = this.#key === undefined
        ? this.#place
        : { parent: this.#place, key: this.#key };
      throw new JobCloneError(`${pathOf(this.found.root, place)} ${why}`, {
        cause,
      });
    }
  }

  #copy(value: unknown, place: Place): unknown {
    if (isPrimitive(value)) return this.#count(value);
    this.#place = place;
    this.#key = undefined;
    if (typeof value !== "object") {
      throw this.#refusal(value, place, "cannot be cloned");
    }
    return this.#copyObject(value!, place);
  }

  /** Copies a part; a primitive needs no `Place` object. */
  #part(value: unknown, parent: Place, key: Key): unknown {
    return isPrimitive(value)
      ? this.#count(value)
      : this.#copy(value, { parent, key });
  }

  #count(primitive: unknown): unknown {
    this.size += sizeOfPrimitive(primitive);
    return primitive;
  }

  #copyObject(value: object, place: Place): object {
    this.found.noteMark(value);
    if (this.#isCloned && this.movers.kindOf(value)) {
      throw this.#refusal(value, place, "cannot be cloned");
    }
    const known = this.copies.get(value);
    if (known !== undefined) return known;
    const read = this.reads?.get(value);
    if (read !== undefined) return this.#finish(value, read, place);
    if (isArray(value)) return this.#copyArray(value, place);
    if (value instanceof Map) return this.#copyMap(value, place);
    if (value instanceof Set) return this.#copySet(value, place);
    const why = this.whyStays?.(isView(value) ? bufferOf(value) : value);
    if (why !== undefined) throw this.#refusal(value, place, why);
    if (isView(value) || value instanceof ArrayBuffer) {
      return this.#keepBytes(value, place);
    }
    const kind = this.movers.kindOf(value);
    if (kind !== undefined) return this.#replace(value, kind, place);
    if (isMoveOnly(value)) {
      this.found.addMoveOnly(value, place);
      return this.#keep(value);
    }
    if (isDate(value)) return this.#keep(value);
    if (!isOrdinary(value)) return this.#clone(value, place);
    const names = keys(value);
    if (names.length === 0 && isHidden(value)) return this.#clone(value, place);
    const copy = {};
    this.copies.set(value, copy);
    return this.#copyProperties(value, copy, names, place);
  }

  /** Completes the copy of an object that `toText()` has read, and copied in part. */
  #finish(value: object, copy: object, place: Place): object {
    this.copies.set(value, copy);
    this.copies.set(copy, copy);
    return isArray(copy)
      ? this.#copyItems(copy, copy, place)
      : this.#copyProperties(copy, copy, keys(copy), place);
  }

  #copyArray(array: unknown[], place: Place): object {
    const { length } = array;
    const size = length > LONG_ARRAY ? sizeOfPrimitives(array) : undefined;
    if (size !== undefined) {
      this.size += size;
      this.#longArrays[this.#longArrays.length] = [array, place];
      return this.#keep(array);
    }
    const names = keys(array);
    if (!isDense(names, length)) {
      const copy: unknown[] = new Array(length);
      this.copies.set(array, copy);
      return this.#copyProperties(array, copy, names, place);
    }
    const slice = sliceOf(array);
    const copy = slice ?? new Array(length);
    this.copies.set(array, copy);
    return this.#copyItems(slice ?? array, copy, place);
  }

  #copyItems(array: unknown[], copy: unknown[], place: Place): object {
    for (let i = 0; i < copy.length; i++) {
      this.#place = place;
      this.#key = i;
      const part = array[i];
      const copied = this.#part(part, place, i);
      if (copied !== part || copy !== array) copy[i] = copied;
    }
    return copy;
  }

  #copyProperties(
    value: object,
    copy: object,
    names: string[],
    place: Place,
  ): object {
    for (let i = 0; i < names.length; i++) {
      const key = names[i];
      this.#place = place;
      this.#key = key;
      const part = (value as Record<string, unknown>)[key];
      const copied = this.#part(part, place, key);
      // An assignment would set the prototype.
      if (key === "__proto__") defineData(copy, key, copied);
      else (copy as Record<string, unknown>)[key] = copied;
    }
    return copy;
  }

  #copyMap(map: Map<unknown, unknown>, place: Place): object {
    const copy = new Map();
    this.copies.set(map, copy);
    eachEntry(map, (value, key) => {
      addEntry(
        copy,
        this.#part(key, place, A_KEY),
        this.#part(value, place, { under: key }),
      );
    });
    return copy;
  }

  #copySet(set: Set<unknown>, place: Place): object {
    const copy = new Set();
    this.copies.set(set, copy);
    eachItem(set, (item) => {
      addItem(copy, this.#part(item, place, AN_ITEM));
    });
    return copy;
  }

  /** Keeps an object, which is cloned or moves only when it is sent. */
  #keep(value: object): object {
    this.isOwn = false;
    this.copies.set(value, value);
    return value;
  }

  #keepBytes(
    value: ArrayBuffer | ArrayBufferView,
    place: Place,
  ): object {
    const why = whyLost(value);
    if (why !== undefined) throw this.#refusal(value, place, why);
    this.size += lengthOf(value);
    this.found.addBytes(value, place);
    return this.#keep(value);
  }

  #replace(value: object, kind: Kind, place: Place): object {
    const why = this.movers.whyStays(value);
    if (why !== undefined) throw this.#refusal(value, place, why);
    const placeholder = {};
    this.copies.set(value, placeholder);
    const data = kind === "value" ? this.movers.toData(value) : undefined;
    this.found.addDeparting({ value, kind, placeholder, data }, place);
    return placeholder;
  }

  /** Clones a built-in object, to see whether this works. No part of it can move. */
  #clone(value: object, place: Place): object {
    this.isOwn = false;
    this.copies.set(value, value);
    if (value instanceof Error && hasOwn(value, "cause")) {
      const isCloned = this.#isCloned;
      this.#isCloned = true;
      this.#part(value.cause, place, "cause");
      this.#isCloned = isCloned;
    }
    const clone = this.#tryClone(value, place);
    if (isHidden(value) && classNameOf(clone) === "Object") {
      const why =
        "cannot be cloned: nothing of it would arrive but an empty object";
      throw this.#refusal(value, place, why);
    }
    this.copies.set(value, clone);
    return clone;
  }

  #tryClone(value: object, place: Place): object {
    try {
      return structuredClone(value);
    } catch {
      const name = classNameOf(value);
      const why = isNamesake(value, name)
        ? `is of another class than the runtime's ${name}, and cannot be cloned`
        : "cannot be cloned";
      throw this.#refusal(value, place, why);
    }
  }

  /** Refuses long arrays that `postMessage` would refuse after moving buffers. */
  checkLongArrays(): void {
    for (let i = 0; i < this.#longArrays.length; i++) {
      this.#tryClone(this.#longArrays[i][0], this.#longArrays[i][1]);
    }
  }

  #refusal(
    value: unknown,
    place: Place,
    why: string,
  ): JobCloneError {
    const path = pathOf(this.found.root, place);
    return new JobCloneError(`${path} (${nameOf(value)}) ${why}`);
  }
}
