// Runs a generator for a stream: requests values while the stream has a reader,
// and ends the generator otherwise.

import { apply, performanceNow } from "../values/intrinsics.ts";
import { describe } from "../expected.ts";
import { isThenable } from "../values/thenable.ts";
import type { YieldsArrival } from "../moving/yields.ts";
import type { Handler } from "./handlers.ts";
import { type OwnThread, TURN } from "./own_thread.ts";

/** Result of a generator function, synchronous or not. */
type Source =
  & Pick<Iterator<unknown> | AsyncIterator<unknown>, "next" | "return">
  & Partial<Iterable<unknown> & AsyncIterable<unknown>>;

/**
 * If values follow each other within this time in ms, the clock is read once per this
 * many values: yielding a number then takes 0.65 of the processor time (5 pairs).
 */
const QUICK = 0.02;
const QUICK_ONES = 8;

/** Returns a handler that sends the values that another handler's generator yields. */
export function generate(
  handler: Handler,
  yields: YieldsArrival,
  thread: OwnThread,
): Handler {
  const { name, call, generate = call } = handler;
  return {
    name,
    call(...args) {
      const made = apply(generate, undefined, args);
      if (made instanceof Promise) {
        return made.then((made) => run(checked(name, made), yields, thread));
      }
      return run(checked(name, made), yields, thread);
    },
  };
}

function checked(job: string, made: unknown): Source {
  const isSource = typeof made === "object" && made !== null &&
    typeof (made as Source).next === "function" &&
    (Symbol.asyncIterator in made || Symbol.iterator in made);
  if (isSource) return made as Source;
  throw new TypeError(
    `Job "${job}" cannot be streamed: expected a generator, got ${
      describe(made)
    }`,
  );
}

/** Runs a generator to its end, or until the stream is stopped; then its `finally` runs. */
async function run(
  source: Source,
  yields: YieldsArrival,
  { nextTurn, pause }: OwnThread,
): Promise<void> {
  const isAsync = Symbol.asyncIterator in source;
  let looked = performanceNow();
  let pauseAt = looked + TURN;
  let unlooked = 1;
  let isFlushDue = false;
  /** Sends the yielded values soon, because the generator may wait before it yields again. */
  const flushSoon = async () => {
    isFlushDue = true;
    await nextTurn();
    isFlushDue = false;
    yields.flush();
  };
  for (;;) {
    if (!yields.hasRoom) await yields.room();
    if (yields.isStopped) return void await source.return?.();
    const asked = source.next();
    const { done, value } = isAsync
      ? await asked
      : asked as IteratorResult<unknown>;
    if (done) return;
    // `for await` also awaits promises that a synchronous generator yields.
    const given = !isAsync && isThenable(value)
      ? await awaited(value, source)
      : value;
    // Not earlier: a `return()` queued behind a `next()` would run the
    // generator's `finally` outside of its job.
    if (yields.isStopped) return void await source.return?.();
    try {
      yields.push(given);
    } catch (error) {
      await leave(source);
      throw error;
    }
    if (--unlooked === 0) {
      const now = performanceNow();
      yields.lookAt(now);
      unlooked = now - looked < QUICK ? QUICK_ONES : 1;
      looked = now;
      if (now >= pauseAt) {
        yields.flush();
        await pause();
        pauseAt = performanceNow() + TURN;
      }
    }
    if (!isFlushDue && yields.isPending) flushSoon();
  }
}

/** Awaits a yielded promise. If it rejects, the generator ends. */
async function awaited(
  promise: PromiseLike<unknown>,
  source: Source,
): Promise<unknown> {
  try {
    return await promise;
  } catch (error) {
    await leave(source);
    throw error;
  }
}

/** Ends a generator after an error that counts more than any error of its `finally`. */
async function leave(source: Source): Promise<void> {
  try {
    await source.return?.();
  } catch {
    // As in a loop whose body throws.
  }
}
