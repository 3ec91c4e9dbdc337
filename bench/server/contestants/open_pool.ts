// A pool with options that this version may refuse.
import { ThreadPool, type ThreadPoolOptions } from "../../../mod.ts";
import type * as jobs from "../jobs.ts";
import { refuse } from "../parent.ts";

/** The options that may be refused. */
export interface NewOptions {
  concurrency?: number;
  connections?: "descriptor";
}

/** Opens a pool; where an option is refused, says so and ends the process. */
export function openPool(
  size: number,
  { concurrency, connections }: NewOptions,
): ThreadPool<typeof jobs> {
  const options: ThreadPoolOptions & NewOptions = {
    module: new URL("../jobs.ts", import.meta.url),
    size,
    queue: { capacity: 64 },
    concurrency: concurrency === 1 ? undefined : concurrency,
    connections,
  };
  try {
    return new ThreadPool<typeof jobs>(options);
  } catch (error) {
    if (error instanceof TypeError) refuse(error);
    throw error;
  }
}
