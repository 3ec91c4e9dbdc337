// How much a message may hold: a few bytes of it can be an object that takes main
// a hundred times as many, so that its length alone is no bound.

/** So many bytes of a clone count as one object; a string, or a key, as half of one. */
const OBJECT = 4;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const BRACKET = 0x5b;

/**
 * Checks a text of JSON.
 *
 * @param densest No clone may be longer, in bytes
 * @throws {RangeError} If it has many more objects than such a clone
 */
export function checkText(bytes: Uint8Array, densest: number): void {
  if (bytes.length <= densest) return;
  let left = 2 * densest / OBJECT;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === BRACE || byte === BRACKET) {
      left -= 2;
    } else if (byte === QUOTE) {
      left--;
      // To the end of the string.
      while (++at < bytes.length && bytes[at] !== QUOTE) {
        if (bytes[at] === BACKSLASH) at++;
      }
    }
    if (left < 0) throw new RangeError("A message has too many objects");
  }
}

/**
 * Checks the length of a clone, without the large buffers behind it.
 *
 * @throws {RangeError} If it is too long
 */
export function checkClone(length: number, densest: number): void {
  if (length <= densest) return;
  throw new RangeError(
    `beside large buffers it takes ${length} bytes, and may take ${densest}`,
  );
}
