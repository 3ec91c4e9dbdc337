// Finds room in a ring of shared memory with one writer and one reader. Each record
// is contiguous, and positions only grow, modulo 2 ** 32.

/**
 * Returns how much of the end of the ring to skip so that a record of this length fits
 * in one piece; -1 if there is no room.
 *
 * @param position Position of the writer
 * @param read Position of the reader; the writer can overwrite everything before it
 * @param size Size of the ring: a power of two
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
