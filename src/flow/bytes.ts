// How bytes go into a message: small ones are copied, large ones move.

/** Below this, bytes are cheaper to copy than to move. */
export const SMALL = 8 * 1024;

/** Whether bytes are in a buffer of one thread, and not in shared memory. */
export function isUnshared(bytes: unknown): bytes is Uint8Array<ArrayBuffer> {
  return bytes instanceof Uint8Array && bytes.buffer instanceof ArrayBuffer;
}

/** What of them moves, if they are large. */
export function movesOf(
  bytes: Uint8Array<ArrayBuffer>,
): Transferable[] | undefined {
  return bytes.length < SMALL ? undefined : [bytes.buffer];
}

/** Bytes that are cloned together with no more than themselves: a clone takes the whole buffer along. */
export function compact(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  return bytes.length < SMALL && bytes.length < bytes.buffer.byteLength
    ? bytes.slice()
    : bytes;
}
