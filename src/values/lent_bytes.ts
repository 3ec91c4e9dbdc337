// Large buffers that are cloned: a copy of them is made here, and moves. That is
// quicker than a clone from 64 KiB on, and takes far less memory: 200 jobs with
// 10 MiB each, to two workers, take 0.5 of the time and 150 MiB instead of 660.

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

/** Where there are more to look through, all are cloned. */
const MOST_BUFFERS = 16;
const MOST_CONTAINERS = 64;

/** The large buffers in one value. */
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
   * Finds them, if there are any.
   *
   * @param containers As its values, all objects that may hold one
   * @param bytes All buffers and views, none of which moves
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

  /** Puts copies in the place of the buffers; gives what of them moves. */
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

  /** Puts the buffers back, so that they can be sent again. */
  restore(copies: Map<object, object>): void {
    const originals = new SafeMap<object, object>();
    copies.forEach((copy, original) => originals.set(copy, original));
    this.#substitute(originals);
  }

  #substitute(others: Map<object, object>): void {
    this.#containers.forEach((container) => substitute(container, others));
  }
}

/** Whether no other view shows the same memory. */
function isAlone(bytes: readonly Bytes[], index: number): boolean {
  const memory = memoryOf(bytes[index]);
  for (let i = 0; i < bytes.length; i++) {
    if (i !== index && memoryOf(bytes[i]) === memory) return false;
  }
  return true;
}
