// A value as it is now, ready to be sent later through a channel: whoever gave it
// may go on to change it.

import { isUnshared, SMALL } from "../flow/bytes.ts";
import { LEAST, sizeOf } from "../flow/window.ts";
import { isPrimitive } from "../values/cloneable.ts";
import { moveCopies, pack, type Packed, take } from "../values/pack.ts";
import { toText } from "../values/plain_text.ts";
import { markOf, unmark } from "../values/thread_state.ts";
import { guest, whyCannotCross } from "../values/process_bound.ts";
import { kindOf } from "./kind_of.ts";
import { weigh } from "./weigh.ts";

const { structuredClone } = globalThis;

/** A value of its own. */
export interface Snapshot {
  value: unknown;
  /** Whether the value stands there as JSON text. */
  isText: boolean;
  /** What moves with it. */
  moves: readonly Transferable[];
  /** How much of a channel's window it takes. */
  size: number;
}

const NOTHING: readonly Transferable[] = [];

/**
 * Takes a value as it is now: what is marked moves, all else is copied.
 *
 * @param root What error messages call it
 * @throws {JobCloneError} If it can be neither cloned nor moved
 */
export function snapshot(value: unknown, root: string): Snapshot {
  if (isPrimitive(value)) {
    return { value, isText: false, moves: NOTHING, size: sizeOf(value) };
  }
  const bytes = isUnshared(value) ? ownBytes(value) : undefined;
  if (bytes) {
    const moves = bytes.length < SMALL ? NOTHING : [bytes.buffer];
    return { value: bytes, isText: false, moves, size: sizeOfMoved(bytes) };
  }
  const text = toText(value);
  if (text !== undefined) {
    return { value: text, isText: true, moves: NOTHING, size: sizeOf(text) };
  }
  const packed = pack(value, root, { whyStays });
  const { value: own, moves } = ownAll(packed);
  return { value: own, isText: false, moves, size: weigh(own as object) };
}

/** Bytes as they are now, by the shortest way; `undefined` if that is not enough. */
export function ownBytes(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> | undefined {
  const { buffer, byteOffset, length } = bytes;
  if (buffer.detached || buffer.resizable) return undefined;
  const mark = markOf(bytes);
  // Unmarked they stay: a generator may fill the same buffer again and again.
  if (mark === undefined) return new Uint8Array(bytes);
  if (mark !== "everything" || length < SMALL) return undefined;
  try {
    const own = new Uint8Array(buffer.transfer(), byteOffset, length);
    unmark([bytes]);
    return own;
  } catch {
    // The memory of a WebAssembly module, say: what packs it says why it stays.
    return undefined;
  }
}

/**
 * Bytes move, which is no work for either thread, so more of them may be on their
 * way than of what is cloned: with half as many messages a stream is 1.3 times as
 * fast.
 */
function sizeOfMoved({ length }: Uint8Array): number {
  return LEAST + Math.ceil(length / 2);
}

/** Takes what is packed as it is now: nothing of it is its giver's any more. */
export function ownAll(packed: Packed<unknown>): Packed<unknown> {
  moveCopies(packed);
  const isOwn = packed.isOwn || packed.moves.length > 0;
  const taken = take(packed);
  if (!isOwn) taken.value = structuredClone(taken.value);
  return taken;
}

function whyStays(value: object): string | undefined {
  if (kindOf(value)) return "can move only as an argument or a result";
  return guest.isProcess ? whyCannotCross(value) : undefined;
}
