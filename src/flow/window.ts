// How much may be on its way through a channel: both ends must agree, or one
// would wait for credit that the other does not give.

/** How many bytes may be on their way in one direction before the sender waits. */
export const WINDOW = 1024 * 1024;

/** Credit is given when so much of it has gathered: well within the window. */
export const TELL_AFTER = 256 * 1024;

/** What may go out ahead of a job that has not started. */
export const AHEAD = 16 * 1024;

/** What counts as so much, at least: many empty chunks are something, too. */
export const LEAST = 64;

/**
 * How much of the window a chunk takes, unless its sender says so: of an object
 * only the sender finds out what it holds.
 */
export function sizeOf(chunk: unknown): number {
  if (typeof chunk === "string") return Math.max(LEAST, chunk.length);
  if (ArrayBuffer.isView(chunk) || chunk instanceof ArrayBuffer) {
    return Math.max(LEAST, chunk.byteLength);
  }
  return LEAST;
}
