// Limits how much is in flight through a channel. Both ends must use the same limits,
// or one end would wait for credit that the other does not give.

/** Number of bytes in flight in one direction at which the sender waits. */
export const WINDOW = 1024 * 1024;

/** Amount of taken chunks at which credit is returned: well within the window. */
export const CREDIT_STEP = 256 * 1024;

/** Credit for data that is sent before the job has started. */
export const AHEAD = 16 * 1024;

/** Minimum size that a chunk counts as, so empty chunks are bounded too. */
export const LEAST = 64;

/** Returns a chunk's share of the window. For an object, only the sender knows the share. */
export function sizeOf(chunk: unknown): number {
  if (typeof chunk === "string") return Math.max(LEAST, chunk.length);
  if (ArrayBuffer.isView(chunk) || chunk instanceof ArrayBuffer) {
    return Math.max(LEAST, chunk.byteLength);
  }
  return LEAST;
}
