// The room in a ring of shared memory with one writer and one reader. What is written
// lies in one piece, and positions only grow, modulo 2 ** 32.

/**
 * How much of the end of a ring stays unused so that something of this length fits, or
 * -1 if it does not.
 *
 * @param position The writer's
 * @param read The reader's: all before it may be written over
 * @param size That of the ring: a power of two
 */
export function skipFor(
  position: number,
  read: number,
  length: number,
  size: number,
): number {
  const start = position & (size - 1);
  const skipped = start + length > size ? size - start : 0;
  const used = (position - read) >>> 0;
  return used + skipped + length > size ? -1 : skipped;
}
