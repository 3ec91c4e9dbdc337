// What a value holds that needs more than a clone, and where: noted while it is
// copied, and checked before any of it moves.

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

/** All that was found in one value. */
export class Findings {
  /** What is named to move, or marked with a list. */
  readonly moves: Set<Transferable>;
  /** The values that are marked, and those of them that move with all that they hold. */
  readonly marked: object[] = [];
  readonly #movingWhole: object[] = [];
  /** What can only be moved, and so must be among the moves. */
  readonly #mustMove: object[] = [];
  readonly departing: Departing = [];
  readonly bytes: Bytes[] = [];
  /** Whether one of them is a view of only a part of its buffer. */
  hasParts = false;
  /** Where all these sit at first. */
  #places: Map<object, Place> | undefined;

  /**
   * @param root What error messages call the value
   * @param transfer What moves besides what is marked
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

  /** Notes whether a value is marked. */
  noteMark(value: object): void {
    const mark = markOf(value);
    if (mark === undefined) return;
    this.marked[this.marked.length] = value;
    if (mark === "everything") {
      this.#movingWhole[this.#movingWhole.length] = value;
    } else for (let i = 0; i < mark.length; i++) this.moves.add(mark[i]);
  }

  /**
   * All that moves.
   *
   * @param copies Of all objects
   * @throws {JobCloneError} If something of it cannot move, or something else must
   */
  findMoves(copies: Map<object, object>): Transferable[] {
    const { moves, departing } = this;
    const mustMove = this.#mustMove;
    for (let i = 0; i < this.#movingWhole.length; i++) {
      const value = this.#movingWhole[i];
      // The copy holds what moves, too, and has no getters.
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
   * Checks that a stream is taken only once, also by what it is a part of.
   *
   * @throws {JobCloneError} If one would be taken twice
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
    // A connection makes its streams when it is asked for them.
    if (takers.size === 0) return;
    for (let i = 0; i < departing.length; i++) {
      if (departing[i].kind === "connection") take(departing[i].value);
    }
  }

  /** Where something sits, with its name. */
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
