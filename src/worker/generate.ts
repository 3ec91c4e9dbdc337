// Runs a generator for a stream: asks it for values as long as somebody wants them,
// and lets it end where nobody does.

import { apply } from "../values/intrinsics.ts";
import { describe } from "../expected.ts";
import type { YieldsArrival } from "../moving/yields.ts";
import type { Handler } from "./handlers.ts";
import type { OwnThread } from "./own_thread.ts";

/** What a generator's function gives, synchronous or not. */
type Source =
  & Pick<Iterator<unknown> | AsyncIterator<unknown>, "next" | "return">
  & Partial<Iterable<unknown> & AsyncIterable<unknown>>;

/** A generator goes on for so many ms before messages, timers and I/O get their turn. */
const TURN = 10;

const performanceNow = performance.now.bind(performance);

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
  if (isObject(made) && typeof (made as Source).next === "function") {
    if (Symbol.asyncIterator in made || Symbol.iterator in made) {
      return made as Source;
    }
  }
  throw new TypeError(
    `Job "${job}" cannot be streamed: expected a generator, got ${
      describe(made)
    }`,
  );
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Runs a generator to its end, or until nobody wants more; then its `finally` runs. */
function run(
  source: Source,
  yields: YieldsArrival,
  thread: OwnThread,
): Promise<void> {
  // A generator that waits hears of it all the same, if it is made by hand.
  const left = yields.stopped.then(async () => void await source.return?.());
  return Promise.race([pump(source, yields, thread, left), left]);
}

async function pump(
  source: Source,
  yields: YieldsArrival,
  { nextTurn }: OwnThread,
  left: Promise<void>,
): Promise<void> {
  const isAsync = Symbol.asyncIterator in source;
  let pauseAt = performanceNow() + TURN;
  for (;;) {
    if (!yields.hasRoom) await yields.room();
    if (yields.isStopped) return left;
    const asked = source.next();
    const { done, value } = isAsync
      ? await asked
      : asked as IteratorResult<unknown>;
    if (yields.isStopped) return left;
    if (done) return;
    const now = performanceNow();
    try {
      yields.push(value, now);
    } catch (error) {
      await leave(source);
      throw error;
    }
    if (now < pauseAt) continue;
    await nextTurn();
    pauseAt = performanceNow() + TURN;
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
