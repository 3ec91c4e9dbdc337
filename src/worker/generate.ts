// Runs a generator for a stream: asks it for values as long as somebody wants them,
// and lets it end where nobody does.

import { apply, performanceNow } from "../values/intrinsics.ts";
import { describe } from "../expected.ts";
import { isThenable } from "../values/thenable.ts";
import type { YieldsArrival } from "../moving/yields.ts";
import type { Handler } from "./handlers.ts";
import { type OwnThread, TURN } from "./own_thread.ts";

/** What a generator's function gives, synchronous or not. */
type Source =
  & Pick<Iterator<unknown> | AsyncIterator<unknown>, "next" | "return">
  & Partial<Iterable<unknown> & AsyncIterable<unknown>>;

/**
 * Where values follow each other within these ms, the clock is read for one of this
 * many: to yield a number takes 0.65 of the processor time so (5 pairs).
 */
const QUICK = 0.02;
const QUICK_ONES = 8;

/** A handler that sends what another one's generator yields. */
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

/** Runs a generator to its end, or until nobody wants more; then its `finally` runs. */
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
  /** The generator may wait before it yields again: then what it has yielded leaves. */
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
    // A loop awaits what a synchronous generator promises.
    const given = !isAsync && isThenable(value)
      ? await awaited(value, source)
      : value;
    // Not before: a `return()` that is queued behind a `next()` would run the
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

/** What a promise comes to; if that is an error, the generator ends. */
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

/** Lets a generator end of which a value could not be sent: that is the error that counts. */
async function leave(source: Source): Promise<void> {
  try {
    await source.return?.();
  } catch {
    // As in a loop whose body throws.
  }
}
