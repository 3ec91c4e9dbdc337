// What a process prints, which goes to the program's own standard error. Until the
// process has started it is held back: it may say why it cannot start.

/** The most bytes that are held back. */
const MOST_HELD_BACK = 64 * 1024;
/** How much is kept, to tell why a process has ended. */
const KEPT = 16 * 1024;

/** What one process prints. */
export class Output {
  readonly #decoder = new TextDecoder();
  #held: Uint8Array[] | undefined = [];
  #heldBytes = 0;
  /** The last of it. */
  lastText = "";

  /** Takes bytes, which are there for as long as the call takes. */
  print(bytes: Uint8Array): void {
    this.lastText = (this.lastText + this.#decoder.decode(bytes)).slice(-KEPT);
    if (this.#held === undefined) return write(bytes);
    this.#held.push(bytes.slice());
    this.#heldBytes += bytes.length;
    if (this.#heldBytes > MOST_HELD_BACK) this.release();
  }

  /** The process has started: nothing is held back any more. */
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
    // Nobody reads it any more.
  }
}
