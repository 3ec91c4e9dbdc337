// How much may be on its way through a channel. Both ends must agree, or one
// would wait for credit that the other does not give.

/** Bytes that may be on their way in one direction before the sender waits. */
export const WINDOW = 1024 * 1024;

/** Credit is given when this much has gathered: well within the window. */
export const CREDIT_STEP = 256 * 1024;

/** What may be sent ahead of a job that has not started. */
export const AHEAD = 16 * 1024;

/** Every chunk counts as at least this much, so that empty ones are bounded, too. */
export const LEAST = 64;

/** How much of the window a chunk takes; of an object only its sender knows. */
export function sizeOf(chunk: unknown): number {
  if (typeof chunk === "string") return Math.max(LEAST, chunk.length);
  if (ArrayBuffer.isView(chunk) || chunk instanceof ArrayBuffer) {
    return Math.max(LEAST, chunk.byteLength);
  }
  return LEAST;
}
