// Helpers to declare tests, load modules of jobs and check tables.
import { AssertionError } from "@std/assert";
import { ThreadPool, type ThreadPoolOptions } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

/** Declares a test that fails if it takes too long or leaves a worker behind. */
export const test = poolTest;

/** Creates a pool with jobs of `fixtures/`, by default with one worker. */
export function poolOf<Jobs extends object>(
  fixture: string,
  options: ThreadPoolOptions = {},
): ThreadPool<Jobs> {
  const module = new URL(`./fixtures/${fixture}.ts`, import.meta.url);
  return new ThreadPool<Jobs>({ module, size: 1, ...options });
}

/** Returns the URL of a module with this source. */
export function moduleOf(source: string): string {
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

/** Checks all rows of a table, and reports each row that fails. */
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
