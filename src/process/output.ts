// Prints the output of a process to the program's own standard error. Output is held
// back until the process has started, because it can explain why the start failed.

/** Number of bytes held back above which all are printed. */
const MOST_HELD_BACK = 64 * 1024;
/** Number of last characters to keep, which can explain why a process has ended. */
const KEPT = 16 * 1024;

/** Output of one process. */
export class Output {
  readonly #decoder = new TextDecoder();
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  /** End of the output. */
  lastText = "";

  /** Prints bytes or holds back a copy; the bytes are valid only during the call. */
  print(bytes: Uint8Array): void {
    const text = this.#decoder.decode(bytes, { stream: true });
    this.lastText = (this.lastText + text).slice(-KEPT);
    if (this.#held === undefined) return write(bytes);
    this.#held.push(bytes.slice());
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MOST_HELD_BACK) this.release();
  }

  /** Prints the bytes held back, and holds back no more: the process has started. */
  release(): void {
    for (const bytes of this.#held ?? []) write(bytes);
    this.#held = undefined;
  }
}

function write(bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) {
      at += Deno.stderr.writeSync(bytes.subarray(at));
    }
  } catch {
    // The standard error has no reader.
  }
}
