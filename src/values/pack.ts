// Packs arguments and results that are more than plain data, so they can be sent:
// copies them, finds what moves, and refuses what cannot be sent.

import { JobCloneError } from "../errors.ts";
import { type Bytes, LARGE, lengthOf, memoryOf } from "./bytes.ts";
import { isPrimitive } from "./cloneable.ts";
import { sizeOfPrimitive } from "./arrays.ts";
import { Copier } from "./copier.ts";
import {
  type Departing,
  type Movers,
  NO_MOVERS,
  type WhyStays,
} from "./departing.ts";
import { Findings } from "./findings.ts";
import { isArray } from "./intrinsics.ts";
import { LentBytes } from "./lent_bytes.ts";
import { cutViews } from "./own_bytes.ts";
import { whyUnmovable, whyUnsent } from "./movable.ts";
import { substitute } from "./objects.ts";
import { takeReads } from "./plain_text.ts";
import { markOf, unmark } from "./thread_state.ts";

const { ArrayBuffer, structuredClone } = globalThis;

/** A value that is ready to send. */
export interface Packed<T> {
  /** Copy of all containers, with the caller's own objects in them. */
  value: T;
  /** Objects that move with the value, checked to be movable. */
  moves: Transferable[];
  /** Objects that depart instead of being cloned. */
  departing: Departing;
  /** Whether the value has no object of the caller, so it can share a message. */
  isOwn: boolean;
  /** Approximate size in bytes, including what moves. */
  size: number;
  /** Large buffers in the value that do not move, if there are any. */
  lent: LentBytes | undefined;
  /** Values whose marks are used up when the value is sent. */
  marked: object[];
}

/** Options of {@linkcode pack}. */
export interface PackOptions {
  /** Objects that move in addition to marked values. */
  transfer?: readonly Transferable[];
  movers?: Movers;
  whyStays?: WhyStays;
}

/**
 * Makes a value ready to send. Nothing moves yet, so the caller of a refused value
 * keeps all of it. `postMessage` detaches before it throws, so this function finds
 * everything that would make it throw.
 *
 * @param value The value
 * @param root Name of the value in error messages
 * @throws {JobCloneError} If a part can be neither cloned nor moved
 */
export function pack<T>(
  value: T,
  root: string,
  { transfer = [], movers = NO_MOVERS, whyStays }: PackOptions = {},
): Packed<T> {
  const simple = whyStays ? undefined : tryPackBuffer(value, transfer);
  if (simple !== undefined) return simple;
  const found = new Findings(root, transfer);
  const copier = new Copier(found, movers, whyStays, takeReads(value));
  let copy = copier.copy(value);
  const { copies, isOwn, size } = copier;
  const { departing, marked } = found;
  const moves = found.findMoves(copies);
  found.checkStreams(moves, movers);
  // What moves would be lost with a clone that fails.
  if (moves.length + departing.length > 0) copier.checkLongArrays();
  const cuts = found.hasParts ? cutParts(found, copies) : undefined;
  copy = (cuts?.get(copy as object) ?? copy) as T;
  const lent = size > LARGE ? findLent(found, copies, cuts) : undefined;
  return { value: copy, moves, departing, isOwn, size, lent, marked };
}

function tryPackBuffer<T>(
  value: T,
  transfer: readonly Transferable[],
): Packed<T> | undefined {
  try {
    return packBuffer(value, transfer);
  } catch {
    // A getter has thrown: `Copier` reports where.
    return undefined;
  }
}

/**
 * Packs the usual case: one buffer that moves, and otherwise only primitives. With it,
 * a round trip of 4 KiB takes 0.82 to 0.91 of the processor time, 1 MiB 0.85 (pairs).
 */
function packBuffer<T>(
  value: T,
  transfer: readonly Transferable[],
): Packed<T> | undefined {
  const mark = markOf(value as object);
  const buffer = mark === "everything" ? value : transfer[0];
  if (!(buffer instanceof ArrayBuffer) || whyUnmovable(buffer) !== undefined) {
    return undefined;
  }
  const isWhole = buffer === value;
  if (transfer.length !== (isWhole ? 0 : 1)) return undefined;
  let size = lengthOf(buffer);
  let copy: unknown = buffer;
  if (!isWhole) {
    if (!isArray(value) || mark || markOf(buffer)) return undefined;
    const items: unknown[] = copy = [];
    for (let i = 0; i < value.length; i++) {
      const item: unknown = items[i] = value[i];
      if (item === buffer) continue;
      if (!isPrimitive(item)) return undefined;
      size += sizeOfPrimitive(item);
    }
  }
  return {
    value: copy as T,
    moves: [buffer],
    departing: [],
    isOwn: false,
    size,
    lent: undefined,
    marked: isWhole ? [buffer] : [],
  };
}

/** Replaces views of parts of buffers, so that only their own bytes are sent. */
function cutParts(
  { bytes, moves }: Findings,
  copies: Map<object, object>,
): Map<object, object> {
  const cuts = cutViews(
    bytes,
    (buffer) => moves.has(buffer) || copies.has(buffer),
  );
  copies.forEach((container) => substitute(container, cuts));
  return cuts;
}

/** Finds the large buffers that stay with the caller. */
function findLent(
  { bytes, moves }: Findings,
  copies: Map<object, object>,
  cuts: Map<object, object> | undefined,
): LentBytes | undefined {
  const staying: Bytes[] = [];
  for (let i = 0; i < bytes.length; i++) {
    if (moves.has(memoryOf(bytes[i]) as ArrayBuffer)) continue;
    staying[staying.length] = (cuts?.get(bytes[i]) ?? bytes[i]) as Bytes;
  }
  return LentBytes.of(copies, staying);
}

/** Adds copies of large buffers that stay to the moves, which is cheaper than cloning. */
export function moveCopies(packed: Packed<unknown>): void {
  const { value, moves, lent } = packed;
  if (lent === undefined) return;
  const loan = lent.lend();
  packed.value = loan.copies.get(value as object) ?? value;
  for (let i = 0; i < loan.moves.length; i++) {
    moves[moves.length] = loan.moves[i];
  }
}

/**
 * Moves the objects now. The whole result then belongs to the pool, and the caller's
 * buffers are detached.
 */
export function take<T>(packed: Packed<T>): Packed<T> {
  const { value, moves, departing } = packed;
  if (moves.length > 0) {
    const placeholders = departing.map(({ placeholder }) => placeholder);
    const taken = move({ value, moves, placeholders }, moves);
    packed.value = taken.value;
    packed.moves = taken.moves;
    packed.lent = undefined;
    for (let i = 0; i < departing.length; i++) {
      departing[i].placeholder = taken.placeholders[i];
    }
  }
  return useUpMarks(packed);
}

function move<T>(value: T, transfer: Transferable[]): T {
  try {
    return structuredClone(value, { transfer });
  } catch (cause) {
    throw new JobCloneError(
      `What is marked cannot be moved: ${whyUnsent(cause)}`,
      { cause },
    );
  }
}

/** Removes the marks when the value is about to be sent, or its objects have moved. */
export function useUpMarks<T>(packed: Packed<T>): Packed<T> {
  unmark(packed.marked);
  return packed;
}
