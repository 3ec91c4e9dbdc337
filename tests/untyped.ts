// Calls that TypeScript would refuse.
import { type JobStream, ThreadPool } from "@spindle/thread-pool";

/** Calls `pool.execute(...args)` without type checks. */
export function executeUntyped(
  pool: { execute: unknown },
  ...args: unknown[]
): Promise<unknown> {
  return Reflect.apply(pool.execute as ThreadPool["execute"], pool, args);
}

/** Calls `pool.stream(...args)` without type checks. */
export function streamUntyped(
  pool: { stream: unknown },
  ...args: unknown[]
): JobStream<unknown> {
  return Reflect.apply(pool.stream as ThreadPool["stream"], pool, args);
}

/** Calls `new ThreadPool(options)` without type checks. */
export function poolUntyped(options: unknown): ThreadPool {
  return new ThreadPool(options as number);
}
