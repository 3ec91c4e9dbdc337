// A local stand-in for the parts of `jsr:@std/async` that the tests use.
import { setTimeout } from "node:timers/promises";

// Maximum time in ms of a timer. With a longer time, it would fire at once.
const LONGEST = 2 ** 31 - 1;

/** Options for {@linkcode delay}. */
export interface DelayOptions {
  /** Signal that ends the wait early: the promise rejects with its reason. */
  signal?: AbortSignal;
  /** Whether the wait keeps the process running; `true` by default. */
  persistent?: boolean;
}

/** Resolves after `ms` milliseconds. */
export async function delay(
  ms: number,
  options: DelayOptions = {},
): Promise<void> {
  const { signal, persistent: ref = true } = options;
  const wait = Math.max(0, Math.min(ms, LONGEST));
  try {
    await setTimeout(wait, undefined, { signal, ref });
  } catch (error) {
    throw signal?.aborted ? signal.reason : error;
  }
}

/** Options for {@linkcode deadline}. */
export interface DeadlineOptions {
  /** Signal that ends the wait early: the promise rejects with its reason. */
  signal?: AbortSignal;
}

/** Settles like `p`, or rejects with a `TimeoutError` after `ms` milliseconds. */
export async function deadline<T>(
  p: Promise<T>,
  ms: number,
  options: DeadlineOptions = {},
): Promise<T> {
  const signals = options.signal ? [options.signal] : [];
  if (ms < Number.MAX_SAFE_INTEGER) signals.push(AbortSignal.timeout(ms));
  const limit = AbortSignal.any(signals);
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = () => reject(limit.reason);
  limit.addEventListener("abort", abort);
  if (limit.aborted) abort();
  p.then(resolve, reject);
  return await promise.finally(() => limit.removeEventListener("abort", abort));
}
