// Streams for tests, which record what happens to them.
import type { ExecuteOptions, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/streams.ts";
import { type Cases, type Setting, suite } from "./moving_pools.ts";

/** Declares a suite for the jobs in `fixtures/streams.ts`. */
export function streamSuite(
  name: string,
  cases: Cases<Setting<typeof jobs>>,
): void {
  const module = new URL("./fixtures/streams.ts", import.meta.url);
  // An aborted job has enough time to end.
  const options = { module, abortGrace: 10_000 };
  suite<typeof jobs>({ name, options, cases });
}

/** Passes a value through a job, and returns what comes back. */
export function through<T>(
  pool: ThreadPool<typeof jobs>,
  value: T,
  options?: ExecuteOptions,
): Promise<T> {
  return pool.execute("pass", [value], options) as Promise<T>;
}

/** Returns all chunks of a stream. */
export async function chunksOf<T>(stream: ReadableStream<T>): Promise<T[]> {
  const chunks: T[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

/** Returns the remaining bytes of a stream. */
export async function bytesIn(
  stream: ReadableStream,
): Promise<Uint8Array<ArrayBuffer>> {
  return await join(await chunksOf(stream));
}

/** Returns all bytes of these chunks. */
export async function join(
  chunks: unknown[],
): Promise<Uint8Array<ArrayBuffer>> {
  // A blob does not accept shared memory.
  const parts = chunks.map((chunk) => {
    return chunk instanceof Uint8Array ? new Uint8Array(chunk) : chunk;
  });
  return await new Blob(parts as BlobPart[]).bytes();
}

/** A stream that makes a chunk for each request, until there is none. */
export class Source<T = unknown> {
  /** Number of requested chunks. */
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

  /** Resolves with the reason of the cancellation. */
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

  /** Resolves with the reason of the abort. */
  get aborted(): Promise<unknown> {
    return this.#aborted.promise;
  }
}

/** Returns a value as text: its kind and its contents. */
export function show(value: unknown): string {
  return Deno.inspect(value, { depth: 10, compact: true, breakLength: 999 });
}

/** Returns a thrown value as text: an error's class, name and message. */
export function describe(thrown: unknown): string {
  return thrown instanceof Error
    ? `${thrown.constructor.name} ${thrown.name}: ${thrown.message}`
    : show(thrown);
}
