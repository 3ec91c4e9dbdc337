// How tests are declared, where the modules of their jobs come from, and tables.
import { AssertionError } from "@std/assert";
import { ThreadPool, type ThreadPoolOptions } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

/** A test that fails if it takes too long, or leaves a worker behind. */
export const test = poolTest;

/** A pool of one worker, unless the options say otherwise, with jobs of `fixtures/`. */
export function poolOf<Jobs extends object>(
  fixture: string,
  options: ThreadPoolOptions = {},
): ThreadPool<Jobs> {
  const module = new URL(`./fixtures/${fixture}.ts`, import.meta.url);
  return new ThreadPool<Jobs>({ module, size: 1, ...options });
}

/** The URL of a module with this source. */
export function moduleOf(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** Checks all rows of a table, and tells of each that fails. */
export async function eachRow<Row>(
  table: Record<string, Row>,
  check: (row: Row, name: string) => unknown,
): Promise<void> {
  const failures: string[] = [];
  for (const [name, row] of Object.entries(table)) {
    try {
      await check(row, name);
    } catch (error) {
      failures.push(`${name}: ${error instanceof Error ? error.stack : error}`);
    }
  }
  if (failures.length > 0) throw new AssertionError(failures.join("\n"));
}
