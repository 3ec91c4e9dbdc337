// Makes arguments and results that are more than plain data ready to be sent:
// finds what moves, and refuses what cannot go.

import {
  isDate,
  isHidden,
  isMoveOnly,
  isNotCloneable,
  isOrdinary,
  isOutOfBounds,
  isPrimitive,
  nameOf,
  transferablesIn,
  whyUnmovable,
} from "./cloneable.ts";
import { JobCloneError } from "./errors.ts";
import {
  addEntry,
  addItem,
  defineProperty,
  eachEntry,
  eachItem,
  execute,
  hasOwn,
  isArray,
  isView,
  keys,
  SafeMap,
  type SafeSet,
  setOf,
  sliceText,
  stringify,
  toText,
} from "./intrinsics.ts";
import { type Kind, kindOf, whyStays } from "./moving/kinds.ts";
import { tagOf } from "./tag.ts";
import { textOf } from "./text_of.ts";
import { markOf, unmark } from "./thread_state.ts";

/** As they were before any job could overwrite them. */
const { Array, ArrayBuffer, Error, Map, Set, structuredClone } = globalThis;

/** A value of more bytes is large: few are on their way at once, and none is sent again without need. */
export const LARGE: number = 64 * 1024;

/** A value that is ready to be sent. */
export interface Packed<T> {
  /** A copy of all containers; what they hold is the caller's own. */
  value: T;
  /** What moves with it, checked to be movable. */
  moves: Transferable[];
  /** What departs from it, instead of being cloned. */
  departing: Departing;
  /** Whether all objects in it are its own, so that it can share a message. */
  isOwn: boolean;
  /** About how many bytes it takes, what moves included. */
  size: number;
  /** The values whose marks are used up once it is sent. */
  marked: object[];
}

/** Values that are no clones where they arrive, each with the empty object that stands for it. */
export type Departing = { value: object; kind: Kind; placeholder: object }[];

/** A path of more letters is shortened in the middle. */
const LONGEST_PATH = 80;
const STACK_OVERFLOW = "Maximum call stack size exceeded";

/** Where in a value something sits; its key is text when it is of a Map or a Set. */
interface Place {
  parent: Place | undefined;
  key: string | number | { text: string };
}

/**
 * Makes a value ready to be sent. Nothing is moved yet, so that a caller whose
 * value is refused still has all of it. `postMessage` detaches before it throws,
 * so all is found here that would make it throw.
 *
 * @param value The value
 * @param root What error messages call it
 * @param transfer What moves besides what is marked
 * @throws {JobCloneError} If something in it can be neither cloned nor moved
 */
export function pack<T>(
  value: T,
  root: string,
  transfer: readonly Transferable[] = [],
): Packed<T> {
  return new Packer(root, transfer).pack(value);
}

/**
 * Moves, now, what is to move: the result is all the pool's, and the caller's
 * buffers are detached.
 */
export function take<T>(packed: Packed<T>): Packed<T> {
  const { value, moves } = packed;
  if (moves.length > 0) {
    const placeholders = packed.departing.map(({ placeholder }) => placeholder);
    const taken = clone({ value, moves, placeholders }, moves);
    packed.value = taken.value;
    packed.moves = taken.moves;
    taken.placeholders.forEach((placeholder, i) => {
      packed.departing[i].placeholder = placeholder;
    });
  }
  return release(packed);
}

/** Uses up the marks: the value is about to be sent, or its moves have been taken. */
export function release<T>(packed: Packed<T>): Packed<T> {
  unmark(packed.marked);
  return packed;
}

function clone<T>(value: T, transfer: Transferable[]): T {
  try {
    return structuredClone(value, { transfer });
  } catch (cause) {
    throw new JobCloneError(
      `The arguments cannot be moved: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** A value that is no text counts as so many bytes. */
const BYTES_OF_A_VALUE = 8;

class Packer {
  readonly #root: string;
  readonly #moves: SafeSet<Transferable>;
  readonly #copies = new SafeMap<object, object>();
  readonly #departing: Departing = [];
  #isOwn = true;
  #size = 0;
  readonly #marked: object[] = [];
  /** What can only be moved, and so must be among the moves. */
  readonly #mustMove = new SafeMap<object, Place | undefined>();
  /** Whether what is being looked at is cloned as it is, with all that it holds. */
  #isCloned = false;
  /** What is being read, for when that throws: a part, or the whole of what is here. */
  #place: Place | undefined;
  #key: Place["key"] | undefined;

  constructor(root: string, transfer: readonly Transferable[]) {
    this.#root = root;
    this.#moves = setOf(transfer);
  }

  pack<T>(value: T): Packed<T> {
    const copy = this.#copyAll(value);
    this.#mustMove.forEach((place, value) => {
      if (!this.#moves.has(value as Transferable)) {
        throw this.#refusal(
          value,
          place,
          "can be moved but not cloned: mark it with transfer()",
        );
      }
    });
    for (let i = 0; i < this.#departing.length; i++) {
      this.#moves.delete(this.#departing[i].value as Transferable);
    }
    const moves: Transferable[] = [];
    this.#moves.forEach((moved) => {
      const why = whyUnmovable(moved);
      if (why !== undefined) {
        throw new JobCloneError(
          `The transfer list of ${this.#root} holds ${why}`,
        );
      }
      moves[moves.length] = moved;
    });
    return {
      value: copy,
      moves,
      departing: this.#departing,
      isOwn: this.#isOwn,
      size: this.#size,
      marked: this.#marked,
    };
  }

  #copyAll<T>(value: T): T {
    try {
      return this.#copy(value, undefined) as T;
    } catch (cause) {
      if (cause instanceof JobCloneError) throw cause;
      // A getter or a proxy has thrown, or it is nested too deeply.
      const message = cause instanceof Error ? cause.message : textOf(cause);
      const why = message === STACK_OVERFLOW
        ? "is nested too deeply"
        : `cannot be read: ${message}`;
      throw new JobCloneError(
        `${this.#path(this.#reading())} ${why}`,
        { cause },
      );
    }
  }

  #reading(): Place | undefined {
    return this.#key === undefined
      ? this.#place
      : { parent: this.#place, key: this.#key };
  }

  #copy(value: unknown, place: Place | undefined): unknown {
    if (isPrimitive(value)) return this.#count(value);
    this.#place = place;
    this.#key = undefined;
    if (typeof value !== "object") {
      throw this.#refusal(value, place, "cannot be cloned");
    }
    return this.#copyObject(value!, place);
  }

  #copyObject(value: object, place: Place | undefined): object {
    this.#noteMark(value);
    if (this.#isCloned && kindOf(value)) {
      throw this.#refusal(value, place, "cannot be cloned");
    }
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    if (isArray(value)) return this.#copyArray(value, place);
    if (value instanceof Map) return this.#copyMap(value, place);
    if (value instanceof Set) return this.#copySet(value, place);
    if (isView(value) || value instanceof ArrayBuffer) {
      return this.#keepBytes(value, place);
    }
    const kind = kindOf(value);
    if (kind !== undefined) return this.#replace(value, kind, place);
    if (isOrdinary(value)) {
      if (isHidden(value)) throw this.#emptied(value, place);
      return this.#copyProperties(value, {}, keys(value), place);
    }
    this.#isOwn = false;
    if (isMoveOnly(value)) this.#mustMove.set(value, place);
    else if (isNotCloneable(value)) {
      throw this.#refusal(value, place, "cannot be cloned");
    } else if (!isDate(value)) this.#tryToClone(value, place);
    this.#copies.set(value, value);
    return value;
  }

  #keepBytes(
    value: ArrayBuffer | ArrayBufferView,
    place: Place | undefined,
  ): object {
    if (isOutOfBounds(value)) {
      throw this.#refusal(value, place, "has lost its buffer");
    }
    this.#isOwn = false;
    this.#size += value.byteLength;
    this.#copies.set(value, value);
    return value;
  }

  #noteMark(value: object): void {
    const mark = markOf(value);
    if (mark === undefined) return;
    this.#marked[this.#marked.length] = value;
    if (mark === "everything") {
      transferablesIn(value).forEach((moved) => this.#moves.add(moved));
    } else for (let i = 0; i < mark.length; i++) this.#moves.add(mark[i]);
  }

  #copyArray(array: unknown[], place: Place | undefined): object {
    const copy: unknown[] = new Array(array.length);
    const names = keys(array);
    if (names.length !== array.length) {
      // It has holes, or properties beside its items.
      return this.#copyProperties(array, copy, names, place);
    }
    this.#copies.set(array, copy);
    for (let i = 0; i < array.length; i++) {
      this.#place = place;
      this.#key = i;
      copy[i] = this.#part(array[i], place, i);
    }
    return copy;
  }

  #copyProperties(
    value: object,
    copy: object,
    names: string[],
    place: Place | undefined,
  ): object {
    this.#copies.set(value, copy);
    for (let i = 0; i < names.length; i++) {
      const key = names[i];
      this.#place = place;
      this.#key = key;
      const part = (value as Record<string, unknown>)[key];
      const copied = this.#part(part, place, key);
      if (key === "__proto__") {
        // Assigned, it would be the prototype.
        defineProperty(copy, key, {
          value: copied,
          configurable: true,
          enumerable: true,
          writable: true,
        });
      } else (copy as Record<string, unknown>)[key] = copied;
    }
    return copy;
  }

  #copyMap(map: Map<unknown, unknown>, place: Place | undefined): object {
    const copy = new Map();
    this.#copies.set(map, copy);
    eachEntry(map, (value, key) => {
      const text = isPrimitive(key) ? `.get(${toText(key)})` : " (a value)";
      addEntry(
        copy,
        this.#part(key, place, { text: " (a key)" }),
        this.#part(value, place, { text }),
      );
    });
    return copy;
  }

  #copySet(set: Set<unknown>, place: Place | undefined): object {
    const copy = new Set();
    this.#copies.set(set, copy);
    eachItem(set, (item) => {
      addItem(copy, this.#part(item, place, { text: " (an item)" }));
    });
    return copy;
  }

  #part(
    value: unknown,
    parent: Place | undefined,
    key: Place["key"],
  ): unknown {
    return isPrimitive(value)
      ? this.#count(value)
      : this.#copy(value, { parent, key });
  }

  #count(primitive: unknown): unknown {
    this.#size += typeof primitive === "string"
      ? primitive.length
      : BYTES_OF_A_VALUE;
    return primitive;
  }

  #replace(value: object, kind: Kind, place: Place | undefined): object {
    const why = whyStays(value);
    if (why !== undefined) throw this.#refusal(value, place, why);
    const placeholder = {};
    this.#copies.set(value, placeholder);
    this.#departing[this.#departing.length] = { value, kind, placeholder };
    return placeholder;
  }

  #emptied(value: object, place: Place | undefined): JobCloneError {
    return new JobCloneError(
      `${this.#path(place)} (${
        value.constructor?.name || tagOf(value)
      }) cannot be cloned: nothing of it would arrive but an empty object`,
    );
  }

  /** A built-in object that nothing moves out of: only cloning it tells whether it can be. */
  #tryToClone(value: object, place: Place | undefined): void {
    if (value instanceof Error && hasOwn(value, "cause")) {
      const isCloned = this.#isCloned;
      this.#isCloned = true;
      this.#part(value.cause, place, "cause");
      this.#isCloned = isCloned;
    }
    let clone: unknown;
    try {
      clone = structuredClone(value);
    } catch {
      throw this.#refusal(value, place, "cannot be cloned");
    }
    if (tagOf(clone) === "Object" && isHidden(value)) {
      throw this.#emptied(value, place);
    }
  }

  #refusal(
    value: unknown,
    place: Place | undefined,
    why: string,
  ): JobCloneError {
    return new JobCloneError(`${this.#path(place)} (${nameOf(value)}) ${why}`);
  }

  #path(place: Place | undefined): string {
    let path = "";
    for (let at = place; at !== undefined; at = at.parent) {
      path = stepOf(at.key) + path;
    }
    path = this.#root + path;
    return path.length <= LONGEST_PATH
      ? path
      : `${sliceText(path, 0, LONGEST_PATH / 2)}…${
        sliceText(path, -LONGEST_PATH / 2)
      }`;
  }
}

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

function stepOf(key: Place["key"]): string {
  if (typeof key === "object") return key.text;
  if (typeof key === "number") return `[${key}]`;
  return execute(IDENTIFIER, key) ? `.${key}` : `[${stringify(key)}]`;
}
