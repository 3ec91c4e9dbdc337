// Code that uses a pool, and that examples/testing/render_test.ts tests.
import { JobTimeoutError, type ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./jobs.ts";

/** Renders a page; one that takes longer than 5 s is replaced by an excuse. */
export async function renderPage(
  pool: ThreadPool<typeof jobs>,
  template: string,
  names: string[],
): Promise<string> {
  try {
    return await pool.execute("render", [template, names], { timeout: 5_000 });
  } catch (error) {
    if (error instanceof JobTimeoutError) return "This page takes too long.";
    throw error;
  }
}
