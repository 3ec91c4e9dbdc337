// A local stand-in for the parts of `jsr:@std/testing/time` that the tests use.
// deno-lint-ignore-file no-explicit-any

const real = {
  Date,
  setTimeout,
  clearTimeout,
  setInterval,
  clearInterval,
  timeout: AbortSignal.timeout,
};

interface Timer {
  due: number;
  interval: number | undefined;
  call: () => void;
}

/** Replaces `Date` and timers until it is disposed. Time passes only by its methods. */
export class FakeTime implements Disposable {
  #now = real.Date.now();
  #lastId = 0;
  readonly #timers = new Map<number, Timer>();

  constructor() {
    const now = () => this.#now;
    const set = (
      call: (...args: any[]) => void,
      ms = 0,
      args: unknown[],
      interval?: number,
    ) => {
      const due = this.#now + Math.max(0, Math.floor(ms));
      const timer = { due, interval, call: () => call(...args) };
      this.#timers.set(++this.#lastId, timer);
      return this.#lastId;
    };
    const clear = (id?: unknown) => void this.#timers.delete(id as number);
    globalThis.Date = class extends real.Date {
      constructor(...args: any[]) {
        super(...(args.length > 0 ? args : [now()]) as []);
      }
      static override now = now;
    } as DateConstructor;
    Object.assign(globalThis, {
      setTimeout: (call: () => void, ms?: number, ...args: unknown[]) =>
        set(call, ms, args),
      setInterval: (call: () => void, ms = 0, ...args: unknown[]) =>
        set(call, ms, args, Math.max(1, ms)),
      clearTimeout: clear,
      clearInterval: clear,
    });
    AbortSignal.timeout = (ms) => {
      const controller = new AbortController();
      const name = "TimeoutError";
      set(() => controller.abort(new DOMException("timed out", name)), ms, []);
      return controller.signal;
    };
  }

  /** The current time in ms, as returned by `Date.now()`. */
  get now(): number {
    return this.#now;
  }

  /** Advances the time by `ms`, and runs the timers that are due. */
  tick(ms = 0): void {
    const end = this.#now + ms;
    for (let next = this.#next(); next; next = this.#next()) {
      const [id, timer] = next;
      if (timer.due > end) break;
      this.#now = Math.max(this.#now, timer.due);
      if (timer.interval) timer.due += timer.interval;
      else this.#timers.delete(id);
      timer.call();
    }
    this.#now = end;
  }

  #next(): [number, Timer] | undefined {
    let first: [number, Timer] | undefined;
    for (const entry of this.#timers) {
      if (!first || entry[1].due < first[1].due) first = entry;
    }
    return first;
  }

  /** Runs all microtasks. */
  async runMicrotasks(): Promise<void> {
    await new Promise<void>((resolve) => real.setTimeout(resolve, 0));
  }

  /** Runs all microtasks, then advances the time by `ms`. */
  async tickAsync(ms = 0): Promise<void> {
    await this.runMicrotasks();
    this.tick(ms);
  }

  /** Advances the time to the next timer. Resolves to `false` if there is none. */
  async nextAsync(): Promise<boolean> {
    await this.runMicrotasks();
    const next = this.#next();
    if (next) this.tick(next[1].due - this.#now);
    return next !== undefined;
  }

  /** Advances the time until there are no timers. */
  async runAllAsync(): Promise<void> {
    while (await this.nextAsync());
  }

  /** Restores `Date` and timers. */
  restore(): void {
    const { timeout, ...globals } = real;
    Object.assign(globalThis, globals);
    AbortSignal.timeout = timeout;
  }

  [Symbol.dispose](): void {
    this.restore();
  }
}
