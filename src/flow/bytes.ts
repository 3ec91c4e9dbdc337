// Prepares byte arrays for a message: copies small arrays, and moves large arrays.
// Also joins several arrays.

/** Number of bytes below which copying is cheaper than moving. */
export const SMALL = 8 * 1024;

/** Returns whether a value is a byte array without shared memory. */
export function isUnshared(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array && value.buffer instanceof ArrayBuffer;
}

/** Returns the buffer to move with the bytes, if moving is cheaper. */
export function movesOf(
  bytes: Uint8Array<ArrayBuffer>,
): Transferable[] | undefined {
  return bytes.length < SMALL ? undefined : [bytes.buffer];
}

/**
 * Copies a small part of a larger buffer, because a clone would contain the whole
 * buffer. Keeps resizable buffers: a copy would have a fixed length.
 */
export function compact(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const isSmallPart = bytes.length < SMALL &&
    bytes.length < bytes.buffer.byteLength;
  return isSmallPart && !bytes.buffer.resizable ? bytes.slice() : bytes;
}

/** Joins byte arrays in a new buffer. */
export function concat(
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return new Uint8Array(parts[0]);
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
