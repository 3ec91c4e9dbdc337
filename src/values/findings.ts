// Records the parts of a value that need more than a clone, and their places, while
// the value is copied. Checks them before any part moves.

import { JobCloneError } from "../errors.ts";
import { type Bytes, memoryOf } from "./bytes.ts";
import type { Departing, Movers } from "./departing.ts";
import { isView, SafeMap, setOf } from "./intrinsics.ts";
import { transferablesIn, whyUnmovable } from "./movable.ts";
import { nameOf } from "./names.ts";
import { isPart } from "./own_bytes.ts";
import { pathOf, type Place } from "./place.ts";
import { markOf } from "./thread_state.ts";

const { ArrayBuffer } = globalThis;

/** Parts that were found in one value. */
export class Findings {
  /** Objects to move: from transfer lists, and from marks with a list. */
  readonly moves: Set<Transferable>;
  /** Marked values, and the marked values whose transferables all move. */
  readonly marked: object[] = [];
  readonly #movingWhole: object[] = [];
  /** Values that can only be moved, so they must be among the moves. */
  readonly #mustMove: object[] = [];
  readonly departing: Departing = [];
  readonly bytes: Bytes[] = [];
  /** Whether any of `bytes` is a view of only a part of its buffer. */
  hasParts = false;
  /** Place where each of these values was found first. */
  #places: Map<object, Place> | undefined;

  /**
   * @param root What error messages call the value
   * @param transfer Objects that move in addition to marked values
   */
  constructor(readonly root: string, transfer: readonly Transferable[]) {
    this.moves = setOf(transfer);
  }

  addBytes(bytes: ArrayBuffer | ArrayBufferView, place: Place): void {
    this.bytes[this.bytes.length] = bytes;
    this.hasParts ||= isView(bytes) && isPart(bytes);
    this.#note(bytes, place);
  }

  addMoveOnly(value: object, place: Place): void {
    this.#mustMove[this.#mustMove.length] = value;
    this.#note(value, place);
  }

  addDeparting(departing: Departing[number], place: Place): void {
    this.departing[this.departing.length] = departing;
    this.#note(departing.value, place);
  }

  #note(value: object, place: Place): void {
    (this.#places ??= new SafeMap()).set(value, place);
  }

  /** Records a value if it is marked. */
  noteMark(value: object): void {
    const mark = markOf(value);
    if (mark === undefined) return;
    this.marked[this.marked.length] = value;
    if (mark === "everything") {
      this.#movingWhole[this.#movingWhole.length] = value;
    } else for (let i = 0; i < mark.length; i++) this.moves.add(mark[i]);
  }

  /**
   * Returns everything that moves.
   *
   * @param copies All objects with their copies
   * @throws {JobCloneError} If an object cannot move, or must move but is not marked
   */
  findMoves(copies: Map<object, object>): Transferable[] {
    const { moves, departing } = this;
    const mustMove = this.#mustMove;
    for (let i = 0; i < this.#movingWhole.length; i++) {
      const value = this.#movingWhole[i];
      // The copy holds the same transferables, and has no getters.
      transferablesIn(copies.get(value) ?? value).forEach((moved) => {
        moves.add(moved);
      });
    }
    for (let i = 0; i < mustMove.length; i++) {
      if (moves.has(mustMove[i] as Transferable)) continue;
      const why = "can be moved but not cloned: mark it with transfer()";
      throw new JobCloneError(`${this.#where(mustMove[i])} ${why}`);
    }
    for (let i = 0; i < departing.length; i++) {
      moves.delete(departing[i].value as Transferable);
    }
    const list: Transferable[] = [];
    moves.forEach((moved) => {
      const why = whyUnmovable(moved);
      if (why !== undefined) {
        throw new JobCloneError(`${this.#where(moved)} ${why}`);
      }
      list[list.length] = moved;
    });
    return list;
  }

  /**
   * Checks that each stream moves only once, by itself or with another object.
   *
   * @throws {JobCloneError} If a stream would move twice
   */
  checkStreams(moves: readonly Transferable[], movers: Movers): void {
    const { departing } = this;
    if (departing.length + moves.length < 2) return;
    const takers = new SafeMap<object, object>();
    const take = (value: object) => {
      const streams = movers.streamsOf(value);
      for (let i = 0; i < streams.length; i++) {
        const taker = takers.get(streams[i]);
        if (taker !== undefined) {
          const both = `${this.#where(value)} and ${this.#where(taker)}`;
          throw new JobCloneError(
            `${both} are, or hold, the same stream, which can move only once`,
          );
        }
        takers.set(streams[i], value);
      }
    };
    for (let i = 0; i < moves.length; i++) {
      if (!(moves[i] instanceof ArrayBuffer)) take(moves[i]);
    }
    for (let i = 0; i < departing.length; i++) {
      if (departing[i].kind !== "connection") take(departing[i].value);
    }
    // Reading a connection's streams creates them, so skip this if there are no others.
    if (takers.size === 0) return;
    for (let i = 0; i < departing.length; i++) {
      if (departing[i].kind === "connection") take(departing[i].value);
    }
  }

  /** Returns the path and the name of a value. */
  #where(value: unknown): string {
    let at = value as object;
    const isPlaced = () => this.#places?.has(at);
    for (let i = 0; !isPlaced() && i < this.bytes.length; i++) {
      if (memoryOf(this.bytes[i]) === value) at = this.bytes[i];
    }
    const where = isPlaced()
      ? pathOf(this.root, this.#places!.get(at))
      : `a value in the transfer list of ${this.root}`;
    return `${where} (${nameOf(isPlaced() ? at : value)})`;
  }
}
