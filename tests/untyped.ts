// Calls that TypeScript would refuse.
import { type JobStream, ThreadPool } from "@spindle/thread-pool";

/** `pool.execute(...args)`, whatever they are. */
export function executeUntyped(
  pool: { execute: unknown },
  ...args: unknown[]
): Promise<unknown> {
  return Reflect.apply(pool.execute as ThreadPool["execute"], pool, args);
}

/** `pool.stream(...args)`, whatever they are. */
export function streamUntyped(
  pool: { stream: unknown },
  ...args: unknown[]
): JobStream<unknown> {
  return Reflect.apply(pool.stream as ThreadPool["stream"], pool, args);
}

/** `new ThreadPool(options)`, whatever they are. */
export function poolUntyped(options: unknown): ThreadPool {
  return new ThreadPool(options as number);
}
