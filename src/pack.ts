// Makes arguments and results that are more than plain data ready to be sent:
// finds what moves, and refuses what cannot go.

import {
  isConnection,
  isMoveOnly,
  isNotCloneable,
  isPrimitive,
  nameOf,
} from "./cloneable.ts";
import { JobCloneError } from "./errors.ts";
import { markOf, unmark } from "./transfer.ts";

/** A value that is ready to be sent. */
export interface Packed<T> {
  value: T;
  /** What moves with it, checked to be movable. */
  moves: Transferable[];
  /** The connections in it, each with the object that stands for it. */
  connections: Map<Deno.Conn, object>;
  /** The values whose marks are used up once it is sent. */
  marked: object[];
}

/** Where in a value something sits. */
interface Place {
  parent: Place | undefined;
  key: string | number;
}

/** Beyond this an array is sent as it is, in a message of its own. */
const LONGEST_COPIED_ARRAY = 1024;

/**
 * Makes a value ready to be sent. Nothing is moved yet, so that a caller whose
 * value is refused still has all of it.
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
  if (packed.moves.length > 0) {
    const placeholders = [...packed.connections.values()];
    const taken = structuredClone(
      { value: packed.value, moves: packed.moves, placeholders },
      { transfer: packed.moves },
    );
    let index = 0;
    for (const connection of packed.connections.keys()) {
      packed.connections.set(connection, taken.placeholders[index++]);
    }
    packed.value = taken.value;
    packed.moves = taken.moves;
  }
  unmark(packed.marked);
  return packed;
}

class Packer {
  readonly #root: string;
  readonly #moves: Set<Transferable>;
  readonly #copies = new Map<object, object>();
  readonly #connections = new Map<Deno.Conn, object>();
  readonly #marked: object[] = [];
  /** What can only be moved, and so must be among the moves. */
  readonly #mustMove: [object, Place | undefined][] = [];
  /** What sits in containers that are sent as they are. */
  readonly #uncopied: [object, Place | undefined][] = [];
  #inUncopied = 0;

  constructor(root: string, transfer: readonly Transferable[]) {
    this.#root = root;
    this.#moves = new Set(transfer);
  }

  pack<T>(value: T): Packed<T> {
    const copy = this.#value(value, undefined, false) as T;
    for (const [value, place] of this.#mustMove) {
      if (!this.#moves.has(value as Transferable)) {
        throw this.#refusal(
          value,
          place,
          "can be moved but not cloned: mark it with transfer()",
        );
      }
    }
    this.#checkMoves();
    const connected = this.#connections.size > 0;
    return {
      value: this.#uncopied.length === 0 || connected ? copy : value,
      moves: [...this.#moves],
      connections: this.#connections,
      marked: this.#marked,
    };
  }

  #value(
    value: unknown,
    place: Place | undefined,
    moving: boolean,
  ): unknown {
    switch (typeof value) {
      case "object":
        return value === null ? null : this.#object(value, place, moving);
      case "function":
      case "symbol":
        throw this.#refusal(value, place, "cannot be cloned");
      default:
        return value;
    }
  }

  #object(value: object, place: Place | undefined, moving: boolean): object {
    const known = this.#copies.get(value);
    if (known !== undefined) return known;
    const mark = markOf(value);
    if (mark !== undefined) {
      this.#marked.push(value);
      if (mark === "everything") moving = true;
      else for (const moved of mark) this.#moves.add(moved);
    }
    if (isPlainArray(value)) {
      const copy: unknown[] = [];
      this.#copies.set(value, copy);
      for (let i = 0; i < value.length; i++) {
        copy.push(this.#part(value[i], place, i, moving));
      }
      return copy;
    }
    if (isPlainObject(value)) {
      const copy: Record<string, unknown> = {};
      this.#copies.set(value, copy);
      for (const key of Object.keys(value)) {
        copy[key] = this.#part(
          this.#read(value, key, place),
          place,
          key,
          moving,
        );
      }
      return copy;
    }
    return this.#other(value, place, moving);
  }

  #part(
    value: unknown,
    parent: Place | undefined,
    key: string | number,
    moving: boolean,
  ): unknown {
    return isPrimitive(value)
      ? value
      : this.#value(value, { parent, key }, moving);
  }

  #read(value: object, key: string, parent: Place | undefined): unknown {
    try {
      return (value as Record<string, unknown>)[key];
    } catch (cause) {
      throw new JobCloneError(
        `${this.#path({ parent, key })} cannot be read`,
        { cause },
      );
    }
  }

  /** What is neither plain data nor a primitive: it stays as it is. */
  #other(value: object, place: Place | undefined, moving: boolean): object {
    if (isConnection(value)) return this.#connection(value, place);
    this.#copies.set(value, value);
    if (this.#inUncopied > 0) this.#uncopied.push([value, place]);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
      const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
      if (moving && buffer instanceof ArrayBuffer) this.#moves.add(buffer);
    } else if (isMoveOnly(value)) {
      this.#mustMove.push([value, place]);
      if (moving) this.#moves.add(value);
    } else {
      if (isNotCloneable(value)) {
        throw this.#refusal(value, place, "cannot be cloned");
      }
      this.#insideUncopied(value, place, moving);
    }
    return value;
  }

  #connection(conn: Deno.Conn, place: Place | undefined): object {
    if (this.#inUncopied > 0) {
      throw this.#refusal(
        conn,
        place,
        "is a connection, which can move only in arrays and plain objects",
      );
    }
    const placeholder = {};
    this.#copies.set(conn, placeholder);
    this.#connections.set(conn, placeholder);
    return placeholder;
  }

  /** Looks into a container that will not be copied for what moves or cannot go. */
  #insideUncopied(value: object, place: Place | undefined, moving: boolean) {
    this.#uncopied.push([value, place]);
    this.#inUncopied++;
    if (value instanceof Map) {
      for (const [key, item] of value) {
        this.#part(key, place, "(key)", moving);
        this.#part(
          item,
          place,
          isPrimitive(key) ? `(${String(key)})` : "(value)",
          moving,
        );
      }
    } else if (value instanceof Set) {
      for (const item of value) this.#part(item, place, "(item)", moving);
    } else {
      for (const key of Object.keys(value)) {
        this.#part(this.#read(value, key, place), place, key, moving);
      }
    }
    this.#inUncopied--;
  }

  /** Refuses what would make `postMessage` throw once it has begun to detach. */
  #checkMoves(): void {
    if (this.#moves.size === 0) return;
    for (const moved of this.#moves) {
      if (moved instanceof ArrayBuffer) {
        if (moved.detached) {
          throw this.#unmovable("an ArrayBuffer that is already detached");
        }
      } else if (isMoveOnly(moved)) {
        const { locked } = moved as { locked?: boolean };
        if (locked) throw this.#unmovable("a stream that is locked");
      } else {
        throw this.#unmovable(`${nameOf(moved)}, which cannot be moved`);
      }
    }
    const isProxy = globalThis.process?.getBuiltinModule?.("node:util")?.types
      .isProxy;
    for (const [value, place] of this.#uncopied) {
      if (isProxy?.(value)) {
        throw this.#refusal(value, place, "is a proxy, which cannot be cloned");
      }
    }
  }

  #unmovable(what: string): JobCloneError {
    return new JobCloneError(
      `The transfer list of ${this.#root} holds ${what}`,
    );
  }

  #refusal(
    value: unknown,
    place: Place | undefined,
    why: string,
  ): JobCloneError {
    return new JobCloneError(`${this.#path(place)} (${nameOf(value)}) ${why}`);
  }

  #path(place: Place | undefined): string {
    if (place === undefined) return this.#root;
    const { parent, key } = place;
    if (typeof key === "number") return `${this.#path(parent)}[${key}]`;
    if (key.startsWith("(")) return this.#path(parent) + key;
    return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key)
      ? `${this.#path(parent)}.${key}`
      : `${this.#path(parent)}[${JSON.stringify(key)}]`;
  }
}

function isPlainArray(value: object): value is unknown[] {
  return Array.isArray(value) && value.length <= LONGEST_COPIED_ARRAY &&
    Object.getPrototypeOf(value) === Array.prototype &&
    Object.keys(value).length === value.length;
}

function isPlainObject(value: object): boolean {
  if (Array.isArray(value)) return false;
  const prototype = Object.getPrototypeOf(value);
  return (prototype === Object.prototype || prototype === null) &&
    !Object.hasOwn(value, "__proto__") && !(Symbol.toStringTag in value);
}
