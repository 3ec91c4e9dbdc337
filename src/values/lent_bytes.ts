// Moves copies of large buffers instead of cloning the buffers. From 64 KiB on, this
// is faster than a clone and takes far less memory: 200 jobs with 10 MiB each, to two
// workers, take 0.5 of the time and 150 MiB instead of 660.

import {
  type Bytes,
  copyOf,
  hasFixedLength,
  LARGE,
  lengthOf,
  memoryOf,
} from "./bytes.ts";
import { SafeMap } from "./intrinsics.ts";
import { substitute } from "./objects.ts";

/** Maximum numbers of objects to search; with more, all buffers are cloned. */
const MOST_BUFFERS = 16;
const MOST_CONTAINERS = 64;

/** Large buffers in one value. */
export class LentBytes {
  readonly #containers: Map<object, object>;
  readonly #bytes: readonly Bytes[];

  private constructor(
    containers: Map<object, object>,
    bytes: readonly Bytes[],
  ) {
    this.#containers = containers;
    this.#bytes = bytes;
  }

  /**
   * Finds the large buffers, if there are any.
   *
   * @param containers Map whose values are all objects that can hold a buffer
   * @param bytes All buffers and views that do not move
   */
  static of(
    containers: Map<object, object>,
    bytes: readonly Bytes[],
  ): LentBytes | undefined {
    if (bytes.length > MOST_BUFFERS || containers.size > MOST_CONTAINERS) {
      return undefined;
    }
    const large: Bytes[] = [];
    for (let i = 0; i < bytes.length; i++) {
      const isLarge = hasFixedLength(memoryOf(bytes[i])) &&
        lengthOf(bytes[i] as ArrayBuffer) >= LARGE;
      if (isLarge && isAlone(bytes, i)) large[large.length] = bytes[i];
    }
    return large.length > 0 ? new LentBytes(containers, large) : undefined;
  }

  /** Replaces the buffers with copies; returns these, and the memory that moves. */
  lend(): { copies: Map<object, object>; moves: ArrayBuffer[] } {
    const copies = new SafeMap<object, object>();
    const moves: ArrayBuffer[] = [];
    for (let i = 0; i < this.#bytes.length; i++) {
      const copy = copyOf(this.#bytes[i]);
      copies.set(this.#bytes[i], copy);
      moves[i] = memoryOf(copy) as ArrayBuffer;
    }
    this.#substitute(copies);
    return { copies, moves };
  }

  /** Puts the buffers back, so they can be sent again. */
  restore(copies: Map<object, object>): void {
    const originals = new SafeMap<object, object>();
    copies.forEach((copy, original) => originals.set(copy, original));
    this.#substitute(originals);
  }

  #substitute(others: Map<object, object>): void {
    this.#containers.forEach((container) => substitute(container, others));
  }
}

/** Returns whether no other buffer or view has the same memory. */
function isAlone(bytes: readonly Bytes[], index: number): boolean {
  const memory = memoryOf(bytes[index]);
  for (let i = 0; i < bytes.length; i++) {
    if (i !== index && memoryOf(bytes[i]) === memory) return false;
  }
  return true;
}
