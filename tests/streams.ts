// Streams for tests, which tell what has become of them.
import type { ExecuteOptions, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/streams.ts";
import { type Cases, type Setting, suite } from "./moving_pools.ts";

/** A suite for the jobs in `fixtures/streams.ts`. */
export function streamSuite(
  name: string,
  cases: Cases<Setting<typeof jobs>>,
): void {
  const module = new URL("./fixtures/streams.ts", import.meta.url);
  // An aborted job has all the time that it needs.
  const options = { module, abortGrace: 10_000 };
  suite<typeof jobs>({ name, options, cases });
}

/** What comes back of a value from a job: streams go in and out. */
export function through<T>(
  pool: ThreadPool<typeof jobs>,
  value: T,
  options?: ExecuteOptions,
): Promise<T> {
  return pool.execute("pass", [value], options) as Promise<T>;
}

/** All chunks of a stream. */
export async function chunksOf<T>(stream: ReadableStream<T>): Promise<T[]> {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** All bytes of a stream, or those that are left of it. */
export async function bytesIn(
  stream: ReadableStream,
): Promise<Uint8Array<ArrayBuffer>> {
  return await join(await chunksOf(stream));
}

/** All bytes of these chunks. */
export async function join(
  chunks: unknown[],
): Promise<Uint8Array<ArrayBuffer>> {
  // A blob takes no shared memory.
  const parts = chunks.map((chunk) => {
    return chunk instanceof Uint8Array ? new Uint8Array(chunk) : chunk;
  });
  return await new Blob(parts as BlobPart[]).bytes();
}

/** A stream that makes a chunk whenever it is asked for one, until there is none. */
export class Source<T = unknown> {
  /** How many chunks it has been asked for. */
  pulled = 0;
  readonly stream: ReadableStream<T>;
  readonly #cancelled = Promise.withResolvers<unknown>();

  constructor(next: (i: number) => T | undefined) {
    this.stream = new ReadableStream<T>({
      pull: (controller) => {
        const chunk = next(this.pulled++);
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: (reason) => this.#cancelled.resolve(reason),
    }, { highWaterMark: 0 });
  }

  /** The reason for which it is cancelled. */
  get cancelled(): Promise<unknown> {
    return this.#cancelled.promise;
  }
}

/** A stream that keeps what is written to it. */
export class Sink<T = unknown> {
  readonly chunks: T[] = [];
  /** Whether it has been closed. */
  isClosed = false;
  readonly stream: WritableStream<T>;
  readonly #aborted = Promise.withResolvers<unknown>();

  /** @param wait What each chunk waits for */
  constructor(wait?: () => Promise<unknown>) {
    this.stream = new WritableStream<T>({
      write: async (chunk) => {
        if (wait) await wait();
        this.chunks.push(chunk);
      },
      close: () => void (this.isClosed = true),
      abort: (reason) => this.#aborted.resolve(reason),
    });
  }

  /** The reason for which it is aborted. */
  get aborted(): Promise<unknown> {
    return this.#aborted.promise;
  }
}

/** A value as text: its kind, and all that is in it. */
export function show(value: unknown): string {
  return Deno.inspect(value, { depth: 10, compact: true, breakLength: 999 });
}

/** What was thrown, as text: an error's class and name, and what it says. */
export function describe(thrown: unknown): string {
  return thrown instanceof Error
    ? `${thrown.constructor.name} ${thrown.name}: ${thrown.message}`
    : show(thrown);
}
