// How bytes go into a message: small ones are copied, large ones move. And how
// several become one.

/** Fewer bytes are cheaper to copy than to move. */
export const SMALL = 8 * 1024;

/** Whether a value is bytes of this thread alone. */
export function isUnshared(value: unknown): value is Uint8Array<ArrayBuffer> {
  return value instanceof Uint8Array && value.buffer instanceof ArrayBuffer;
}

/** What moves with bytes: their buffer, if it is worth it. */
export function movesOf(
  bytes: Uint8Array<ArrayBuffer>,
): Transferable[] | undefined {
  return bytes.length < SMALL ? undefined : [bytes.buffer];
}

/**
 * The same bytes, for a clone: it would take the whole buffer of small ones along. A
 * copy of a resizable buffer would have a fixed length.
 */
export function compact(
  bytes: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const isSmallPart = bytes.length < SMALL &&
    bytes.length < bytes.buffer.byteLength;
  return isSmallPart && !bytes.buffer.resizable ? bytes.slice() : bytes;
}

/** Bytes, one after the other, in a buffer of their own. */
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
