// Calls that TypeScript would refuse.
import { ThreadPool } from "@spindle/thread-pool";

/** `pool.execute(...args)`, whatever they are. */
export function executeUntyped(
  pool: { execute: unknown },
  ...args: unknown[]
): Promise<unknown> {
  return Reflect.apply(pool.execute as ThreadPool["execute"], pool, args);
}

/** `new ThreadPool(options)`, whatever they are. */
export function poolUntyped(options: unknown): ThreadPool {
  return new ThreadPool(options as number);
}
