// Records in shared memory, from one thread to another.
import { skipFor } from "../../../src/values/ring_space.ts";

/** What a record tells of a connection or a request. */
export enum Kind {
  OPEN,
  BYTES,
  END,
}

/** Hears a record. */
export type Hear = (id: number, kind: Kind, bytes: Uint8Array) => void;

const SIZE = 256 * 1024;
const MASK = SIZE - 1;
const WRITTEN = 0;
const READ = 1;
const AWAKE = 2;
const HEAD = 12;
const HEADER = 12;
/** Instead of an id: the rest of the ring is not used. */
const SKIP = -1;

/** The records; positions only grow, modulo 2 ** 32. */
export class FloorRing {
  readonly buffer: SharedArrayBuffer;
  readonly #state: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(buffer = new SharedArrayBuffer(HEAD + SIZE)) {
    this.buffer = buffer;
    this.#state = new Int32Array(buffer, 0, HEAD / 4);
    this.#words = new Int32Array(buffer, HEAD);
    this.#bytes = new Uint8Array(buffer, HEAD);
  }

  write(id: number, kind: Kind, bytes?: Uint8Array): void {
    const length = bytes?.length ?? 0;
    const size = sizeOf(length);
    const read = Atomics.load(this.#state, READ);
    const skipped = skipFor(this.#position, read, size, SIZE);
    if (skipped < 0) throw new Error("The ring is full");
    if (skipped > 0) this.#words[(this.#position & MASK) / 4] = SKIP;
    const at = (this.#position + skipped) & MASK;
    this.#words[at / 4] = id;
    this.#words[at / 4 + 1] = kind;
    this.#words[at / 4 + 2] = length;
    if (bytes) this.#bytes.set(bytes, at + HEADER);
    this.#position = (this.#position + skipped + size) | 0;
    Atomics.store(this.#state, WRITTEN, this.#position);
  }

  read(hear: Hear): void {
    while (this.#position !== Atomics.load(this.#state, WRITTEN)) {
      const at = this.#position & MASK;
      const id = this.#words[at / 4];
      if (id === SKIP) {
        this.#advance(SIZE - at);
        continue;
      }
      const kind: Kind = this.#words[at / 4 + 1];
      const length = this.#words[at / 4 + 2];
      const bytes = this.#bytes.slice(at + HEADER, at + HEADER + length);
      this.#advance(sizeOf(length));
      hear(id, kind, bytes);
    }
  }

  #advance(length: number): void {
    this.#position = (this.#position + length) | 0;
    Atomics.store(this.#state, READ, this.#position);
  }

  /** Writer: whether the reader has to be woken. */
  wakes(): boolean {
    return Atomics.exchange(this.#state, AWAKE, 1) === 0;
  }

  /** Reader: sleeps unless something has come. */
  sleeps(): boolean {
    Atomics.store(this.#state, AWAKE, 0);
    if (this.#position === Atomics.load(this.#state, WRITTEN)) return true;
    Atomics.store(this.#state, AWAKE, 1);
    return false;
  }
}

function sizeOf(length: number): number {
  return HEADER + (length + 3 & ~3);
}
