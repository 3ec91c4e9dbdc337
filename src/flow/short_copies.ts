// Copies short chunks of bytes, many into one buffer. Creating a buffer takes 1.5 µs;
// copying 160 bytes into an existing buffer takes 0.1 µs. With this, a request on a
// kept connection takes 0.84 of the processor time (6 pairs). `Channel.own()` copies
// bytes again before they are given away, so no receiver sees other data.

/** Size of a buffer in bytes. Any copy in a buffer keeps the whole buffer alive. */
const BUFFER = 16 * 1024;
/** Maximum length of a copy in a common buffer; a longer copy has its own buffer. */
const MAX_SHARED_BYTES = 2 * 1024;

/** Makes copies of short chunks of bytes. */
export class ShortCopies {
  #buffer = new Uint8Array(0);
  #used = 0;

  /** Returns a copy of a part of the bytes. */
  of(bytes: Uint8Array, from: number, to: number): Uint8Array<ArrayBuffer> {
    const length = to - from;
    if (length > MAX_SHARED_BYTES) {
      return new Uint8Array(bytes.subarray(from, to));
    }
    if (this.#used + length > this.#buffer.length) {
      this.#buffer = new Uint8Array(BUFFER);
      this.#used = 0;
    }
    const copy = this.#buffer.subarray(this.#used, this.#used + length);
    this.#used += length;
    copy.set(bytes.subarray(from, to));
    return copy;
  }
}
