// A gate at which jobs wait until the test opens it.

/** Indexes of the words that the main thread and the jobs share. */
const ARRIVED = 0;
const OPEN = 1;

/** The main thread's side: knows how many jobs are at the gate, and lets them through. */
export class Gate implements Disposable {
  readonly #words = new Int32Array(new SharedArrayBuffer(8));

  /** Argument that a job needs to wait at the gate. */
  get key(): SharedArrayBuffer {
    return this.#words.buffer as SharedArrayBuffer;
  }

  /** Number of jobs that have arrived so far. */
  get count(): number {
    return Atomics.load(this.#words, ARRIVED);
  }

  /** Waits until this many jobs have arrived. */
  async arrived(count = 1): Promise<void> {
    for (let now; (now = this.count) < count;) {
      await Atomics.waitAsync(this.#words, ARRIVED, now).value;
    }
  }

  open(): void {
    Atomics.store(this.#words, OPEN, 1);
    Atomics.notify(this.#words, OPEN);
  }

  [Symbol.dispose](): void {
    this.open();
  }
}

/** A job's side: reports that the job has arrived. */
export function arrive(key: SharedArrayBuffer): void {
  const words = new Int32Array(key);
  Atomics.add(words, ARRIVED, 1);
  Atomics.notify(words, ARRIVED);
}

/** A job's side: returns whether the gate is open. */
export function isOpen(key: SharedArrayBuffer): boolean {
  return Atomics.load(new Int32Array(key), OPEN) !== 0;
}

/** A job's side: waits until the gate is open, while the worker's timers run. */
export async function passGate(key: SharedArrayBuffer): Promise<void> {
  arrive(key);
  await Atomics.waitAsync(new Int32Array(key), OPEN, 0).value;
}

/** A job's side: blocks the whole thread until the gate is open. */
export function blockAtGate(key: SharedArrayBuffer): void {
  arrive(key);
  Atomics.wait(new Int32Array(key), OPEN, 0);
}

/**
 * `blockAtGate()` as an inline job, which uses nothing around it. Further arguments
 * only move there.
 */
export function blockInline(
  key: SharedArrayBuffer,
  ..._moved: unknown[]
): void {
  const words = new Int32Array(key);
  Atomics.add(words, 0, 1);
  Atomics.notify(words, 0);
  Atomics.wait(words, 1, 0);
}
