// Makes arguments and results that are more than plain data ready to be sent:
// finds what moves, and refuses what cannot go.

import {
  bufferOf,
  isDate,
  isHidden,
  isMoveOnly,
  isOrdinary,
  isOutOfBounds,
  isPrimitive,
  isUnsharedMemory,
  nameOf,
  transferablesIn,
  whyUnmovable,
} from "./cloneable.ts";
import { JobCloneError } from "../errors.ts";
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
import { LentBytes } from "./lent_bytes.ts";
import { cutViews, isPart, substitute } from "./own_bytes.ts";
import { isDense, type Reads, takeReads } from "./plain_text.ts";
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
  /** The large buffers in it that do not move, if there are any. */
  lent: LentBytes | undefined;
  /** The values whose marks are used up once it is sent. */
  marked: object[];
}

/** How a value goes to another thread, if not as a clone. */
export type Kind =
  | "connection"
  | "readable"
  | "writable"
  | "transform"
  | "signal"
  | "request"
  | "response"
  | "value";

/** Knows what departs instead of being cloned. */
export interface Movers {
  /** The kind of an object; `undefined` if it is cloned. */
  kindOf(value: object): Kind | undefined;
  /** Why an object of a kind cannot go now, if it cannot. */
  whyStays(value: object): string | undefined;
  /** The streams that an object takes with it, which nothing else can take. */
  streamsOf(value: object): object[];
  /** An object that is sent as data: that data. */
  toData(value: object): unknown;
}

/** Without it nothing departs: what could only depart is refused. */
const NO_MOVERS: Movers = {
  kindOf: () => undefined,
  whyStays: () => undefined,
  streamsOf: () => [],
  toData: () => undefined,
};

/** What packing may be told. */
export interface PackOptions {
  /** What moves besides what is marked. */
  transfer?: readonly Transferable[];
  movers?: Movers;
  /** What cannot go where it is to be sent, though it can be cloned or moved. */
  whyStays?: WhyStays;
}

/** Values that are no clones where they arrive, each with the empty object that stands for it. */
export type Departing = {
  value: object;
  kind: Kind;
  placeholder: object;
  /** Of a value that is sent as data: that data. */
  data: unknown;
}[];

/** A path of more letters is shortened in the middle. */
const LONGEST_PATH = 80;
const STACK_OVERFLOW = "Maximum call stack size exceeded";

/** Where in a value something sits; its key is text when it is of a Map or a Set. */
interface Place {
  parent: Place | undefined;
  key: string | number | { text: string };
}

/** Why an object cannot go where it is to be sent, if that is so. */
export type WhyStays = (value: object) => string | undefined;

/**
 * Makes a value ready to be sent. Nothing is moved yet, so that a caller whose
 * value is refused still has all of it. `postMessage` detaches before it throws,
 * so all is found here that would make it throw.
 *
 * @param value The value
 * @param root What error messages call it
 * @throws {JobCloneError} If something in it can be neither cloned nor moved
 */
export function pack<T>(
  value: T,
  root: string,
  options: PackOptions = {},
): Packed<T> {
  return new Packer(root, options, takeReads(value)).pack(value);
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
    packed.lent = undefined;
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
      `What is marked cannot be moved: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/**
 * A longer array of primitives is not copied: to ask for its keys, which tell of
 * holes and other properties, takes as long as to clone it.
 */
const LONG_ARRAY = 100_000;

/** A value that is no text counts as so many bytes. */
const BYTES_OF_A_VALUE = 8;

class Packer {
  readonly #root: string;
  readonly #moves: SafeSet<Transferable>;
  /** What has been read already of plain objects: their copies are only to be finished. */
  readonly #reads: Reads | undefined;
  readonly #copies = new SafeMap<object, object>();
  readonly #departing: Departing = [];
  /** Where these sit. */
  readonly #departingPlaces: (Place | undefined)[] = [];
  #isOwn = true;
  #size = 0;
  readonly #marked: object[] = [];
  /** Those of them that move with all that they hold. */
  readonly #movingWhole: object[] = [];
  /** What can only be moved, and so must be among the moves. */
  readonly #mustMove = new SafeMap<object, Place | undefined>();
  /** Long arrays of primitives, which are cloned as they are. */
  readonly #longArrays = new SafeMap<object, Place | undefined>();
  /** The buffers and views, and where they sit. */
  readonly #bytes: (ArrayBufferLike | ArrayBufferView)[] = [];
  readonly #bytesPlaces: (Place | undefined)[] = [];
  /** Whether one is a view of only a part of its buffer. */
  #hasParts = false;
  /** Whether what is being looked at is cloned as it is, with all that it holds. */
  #isCloned = false;
  /** What is being read, for when that throws: a part, or the whole of what is here. */
  #place: Place | undefined;
  #key: Place["key"] | undefined;

  readonly #whyStays: WhyStays | undefined;
  readonly #movers: Movers;

  constructor(
    root: string,
    { transfer = [], movers = NO_MOVERS, whyStays }: PackOptions,
    reads: Reads | undefined,
  ) {
    this.#root = root;
    this.#whyStays = whyStays;
    this.#movers = movers;
    this.#moves = setOf(transfer);
    this.#reads = reads;
  }

  pack<T>(value: T): Packed<T> {
    const copy = this.#copyAll(value);
    const moves = this.#findMoves();
    this.#checkStreams(moves);
    if (moves.length + this.#departing.length > 0) {
      // What moves would be lost with a clone that fails.
      this.#longArrays.forEach((place, array) => {
        this.#clone(array, place);
      });
    }
    const cuts = this.#hasParts ? this.#cut() : undefined;
    return {
      value: (cuts?.get(copy as object) ?? copy) as T,
      moves,
      departing: this.#departing,
      isOwn: this.#isOwn,
      size: this.#size,
      lent: this.#size > LARGE ? this.#findLent(cuts) : undefined,
      marked: this.#marked,
    };
  }

  #findMoves(): Transferable[] {
    for (let i = 0; i < this.#movingWhole.length; i++) {
      const value = this.#movingWhole[i];
      // The copy holds what moves, too, and has no getters.
      transferablesIn(this.#copies.get(value) ?? value).forEach((moved) => {
        this.#moves.add(moved);
      });
    }
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
        const where = this.#placeOf(moved) ??
          `The transfer list of ${this.#root} holds a value (${
            nameOf(moved)
          }) that`;
        throw new JobCloneError(`${where} ${why}`);
      }
      moves[moves.length] = moved;
    });
    return moves;
  }

  /** Where something sits that moves; `undefined` if only the transfer list holds it. */
  #placeOf(moved: Transferable): string | undefined {
    if (this.#mustMove.has(moved)) {
      return `${this.#path(this.#mustMove.get(moved))} (${nameOf(moved)})`;
    }
    for (let i = 0; i < this.#bytes.length; i++) {
      const value = this.#bytes[i];
      if (value === moved || isView(value) && bufferOf(value) === moved) {
        return `${this.#path(this.#bytesPlaces[i])} (${nameOf(value)})`;
      }
    }
  }

  /** A stream can be taken only once, also by what it is a part of. */
  #checkStreams(moves: Transferable[]): void {
    if (this.#departing.length + moves.length < 2) return;
    const takers = new SafeMap<object, string>();
    const take = (value: object, where: string) => {
      const streams = this.#movers.streamsOf(value);
      for (let i = 0; i < streams.length; i++) {
        const taker = takers.get(streams[i]);
        if (taker !== undefined) {
          throw new JobCloneError(
            `${where} and ${taker} are, or hold, the same stream, which can move only once`,
          );
        }
        takers.set(streams[i], where);
      }
    };
    for (let i = 0; i < moves.length; i++) {
      if (!(moves[i] instanceof ArrayBuffer)) {
        const where = this.#placeOf(moves[i]) ??
          `the transfer list of ${this.#root} (${nameOf(moves[i])})`;
        take(moves[i], where);
      }
    }
    for (let i = 0; i < this.#departing.length; i++) {
      const { value, kind } = this.#departing[i];
      if (kind !== "connection") take(value, this.#whereDeparts(i));
    }
    if (takers.size === 0) return;
    // To be asked for its streams, a connection makes them.
    for (let i = 0; i < this.#departing.length; i++) {
      const { value, kind } = this.#departing[i];
      if (kind === "connection") take(value, this.#whereDeparts(i));
    }
  }

  #whereDeparts(i: number): string {
    const path = this.#path(this.#departingPlaces[i]);
    return `${path} (${nameOf(this.#departing[i].value)})`;
  }

  /** Leaves of the memory behind views only what is theirs. */
  #cut(): Map<object, object> {
    const cuts = cutViews(
      this.#bytes,
      (buffer) => this.#moves.has(buffer) || this.#copies.has(buffer),
    );
    this.#copies.forEach((container) => substitute(container, cuts));
    return cuts;
  }

  /** The large buffers that stay the caller's. */
  #findLent(cuts: Map<object, object> | undefined): LentBytes | undefined {
    const bytes: (ArrayBufferLike | ArrayBufferView)[] = [];
    for (let i = 0; i < this.#bytes.length; i++) {
      const value = this.#bytes[i];
      const buffer = isView(value) ? bufferOf(value) : value;
      if (this.#moves.has(buffer as ArrayBuffer)) continue;
      bytes[bytes.length] = (cuts?.get(value) ?? value) as ArrayBufferView;
    }
    if (bytes.length === 0) return undefined;
    const containers: object[] = [];
    this.#copies.forEach((copy) => containers[containers.length] = copy);
    return LentBytes.of(containers, bytes);
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
    if (this.#isCloned && this.#movers.kindOf(value)) {
      throw this.#refusal(value, place, "cannot be cloned");
    }
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    const read = this.#reads?.get(value);
    if (read !== undefined) return this.#finish(value, read, place);
    if (isArray(value)) return this.#copyArray(value, place);
    if (value instanceof Map) return this.#copyMap(value, place);
    if (value instanceof Set) return this.#copySet(value, place);
    const why = this.#whyStays?.(isView(value) ? bufferOf(value) : value);
    if (why !== undefined) throw this.#refusal(value, place, why);
    if (isView(value) || value instanceof ArrayBuffer) {
      return this.#keepBytes(value, place);
    }
    const kind = this.#movers.kindOf(value);
    if (kind !== undefined) return this.#replace(value, kind, place);
    if (isMoveOnly(value)) {
      this.#mustMove.set(value, place);
      return this.#keep(value);
    }
    if (isDate(value)) return this.#keep(value);
    if (!isOrdinary(value)) return this.#clone(value, place);
    const names = keys(value);
    if (names.length === 0 && isHidden(value)) return this.#clone(value, place);
    const copy = {};
    this.#copies.set(value, copy);
    return this.#copyProperties(value, copy, names, place);
  }

  /** Finishes the copy of an object of which a part is read, and may be copied, already. */
  #finish(value: object, copy: object, place: Place | undefined): object {
    this.#copies.set(value, copy);
    this.#copies.set(copy, copy);
    return isArray(copy)
      ? this.#copyItems(copy, copy, place)
      : this.#copyProperties(copy, copy, keys(copy), place);
  }

  /** Whether a clone of an array's items is as good as a copy made here. */
  #areAllPrimitive(array: unknown[]): boolean {
    const { length } = array;
    for (let i = 0; i < length; i++) {
      const item = array[i];
      if (!isPrimitive(item)) return false;
      this.#count(item);
    }
    return true;
  }

  #keep(value: object): object {
    this.#isOwn = false;
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
    this.#size += value.byteLength;
    this.#bytes[this.#bytes.length] = value;
    this.#bytesPlaces[this.#bytesPlaces.length] = place;
    this.#hasParts ||= isView(value) && isPart(value);
    return this.#keep(value);
  }

  #noteMark(value: object): void {
    const mark = markOf(value);
    if (mark === undefined) return;
    this.#marked[this.#marked.length] = value;
    if (mark === "everything") {
      this.#movingWhole[this.#movingWhole.length] = value;
    } else for (let i = 0; i < mark.length; i++) this.#moves.add(mark[i]);
  }

  #copyArray(array: unknown[], place: Place | undefined): object {
    const { length } = array;
    if (length > LONG_ARRAY && this.#areAllPrimitive(array)) {
      this.#longArrays.set(array, place);
      return this.#keep(array);
    }
    const copy: unknown[] = new Array(length);
    this.#copies.set(array, copy);
    const names = keys(array);
    return isDense(names, length)
      ? this.#copyItems(array, copy, place)
      : this.#copyProperties(array, copy, names, place);
  }

  #copyItems(
    array: unknown[],
    copy: unknown[],
    place: Place | undefined,
  ): object {
    for (let i = 0; i < copy.length; i++) {
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
    const why = this.#movers.whyStays(value);
    if (why !== undefined) throw this.#refusal(value, place, why);
    const placeholder = {};
    this.#copies.set(value, placeholder);
    const data = kind === "value" ? this.#movers.toData(value) : undefined;
    const { length } = this.#departing;
    this.#departing[length] = { value, kind, placeholder, data };
    this.#departingPlaces[length] = place;
    return placeholder;
  }

  /** A built-in object that nothing moves out of: only cloning it tells whether it can be. */
  #clone(value: object, place: Place | undefined): object {
    this.#isOwn = false;
    if (value instanceof Error && hasOwn(value, "cause")) {
      const isCloned = this.#isCloned;
      this.#isCloned = true;
      this.#part(value.cause, place, "cause");
      this.#isCloned = isCloned;
    }
    let clone: object;
    try {
      clone = structuredClone(value);
    } catch {
      throw this.#refusal(value, place, "cannot be cloned");
    }
    if (
      isUnsharedMemory(value) || isHidden(value) && tagOf(clone) === "Object"
    ) {
      throw this.#refusal(
        value,
        place,
        "cannot be cloned: nothing of it would arrive but an empty object",
      );
    }
    this.#copies.set(value, clone);
    return clone;
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
