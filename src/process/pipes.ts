// The pipes of a process, without the streams that Deno puts before them, which
// cost more than all else of a short message: by private means of Deno's. Where
// these are missing, it is the streams.

/** What is read from a process, and written to it. */
export interface Pipes {
  /** Reads what there is, until the next read; nothing at the end. */
  read(): Promise<Uint8Array | undefined>;
  write(bytes: Uint8Array): Promise<void>;
  /** Lets the program end, or not, while it waits for something to be read. */
  hold(isHeld: boolean): void;
  close(): void;
}

/** What Deno keeps to itself. */
interface Core {
  read(rid: number, buffer: Uint8Array): Promise<number>;
  writeAll(rid: number, bytes: Uint8Array): Promise<void>;
  refOpPromise(promise: Promise<unknown>): void;
  unrefOpPromise(promise: Promise<unknown>): void;
  tryClose(rid: number): void;
}

const FUNCTIONS = [
  "read",
  "writeAll",
  "refOpPromise",
  "unrefOpPromise",
  "tryClose",
] as const;
/** How much is read at once, in bytes. */
const READ = 64 * 1024;

/** The standard input and error of a process. */
export function pipesOf(child: Deno.ChildProcess): Pipes {
  const core = coreOf();
  const input = ridOf(child, "[[stdinRid]]");
  const output = ridOf(child, "[[stderrRid]]");
  return core && input !== undefined && output !== undefined
    ? new RawPipes(core, input, output)
    : new StreamPipes(child);
}

function coreOf(): Core | undefined {
  const { internal } = Deno as unknown as { internal?: symbol };
  const internals = internal &&
    (Deno as unknown as Record<symbol, { core?: Core } | undefined>)[internal];
  const core = internals ? internals.core : undefined;
  return core && FUNCTIONS.every((name) => typeof core[name] === "function")
    ? core
    : undefined;
}

function ridOf(child: Deno.ChildProcess, name: string): number | undefined {
  for (const symbol of Object.getOwnPropertySymbols(child)) {
    if (symbol.description !== name) continue;
    const rid = (child as unknown as Record<symbol, unknown>)[symbol];
    if (typeof rid === "number") return rid;
  }
  return undefined;
}

class RawPipes implements Pipes {
  readonly #core: Core;
  readonly #input: number;
  readonly #output: number;
  readonly #buffer = new Uint8Array(READ);
  #reading: Promise<number> | undefined;
  #isHeld = true;

  constructor(core: Core, input: number, output: number) {
    this.#core = core;
    this.#input = input;
    this.#output = output;
  }

  async read(): Promise<Uint8Array | undefined> {
    const buffer = this.#buffer;
    this.#reading = this.#core.read(this.#output, buffer);
    if (!this.#isHeld) this.#core.unrefOpPromise(this.#reading);
    const count = await this.#reading;
    return count === 0 ? undefined : buffer.subarray(0, count);
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#core.writeAll(this.#input, bytes);
  }

  hold(isHeld: boolean): void {
    this.#isHeld = isHeld;
    if (this.#reading === undefined) return;
    if (isHeld) this.#core.refOpPromise(this.#reading);
    else this.#core.unrefOpPromise(this.#reading);
  }

  close(): void {
    this.#core.tryClose(this.#input);
    this.#core.tryClose(this.#output);
  }
}

class StreamPipes implements Pipes {
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;
  readonly #output: ReadableStreamDefaultReader<Uint8Array>;

  constructor({ stdin, stderr }: Deno.ChildProcess) {
    this.#input = stdin.getWriter();
    this.#input.closed.catch(() => {
      // It has ended.
    });
    this.#output = stderr.getReader();
  }

  async read(): Promise<Uint8Array | undefined> {
    return (await this.#output.read()).value;
  }

  write(bytes: Uint8Array): Promise<void> {
    return this.#input.write(bytes);
  }

  hold(): void {
    // The process itself does so.
  }

  close(): void {
    this.#input.abort().catch(() => {
      // It is closed.
    });
    this.#output.cancel().catch(() => {
      // It is closed.
    });
  }
}
