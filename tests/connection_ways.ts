// The two ways in which a connection moves, for tests that hold for both.
import { type ConnectionsMode, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/connection_ways.ts";
import { poolTest } from "./live_workers.ts";

/** How a connection moves. */
export type Way = ConnectionsMode;

/** Makes a pool whose connections move in one of the ways. */
export type MakePool = (
  options?: { size?: number; concurrency?: number },
) => ThreadPool<typeof jobs>;

const WAYS: Way[] = ["bytes", "descriptor"];

/** A pool of the jobs in `fixtures/connection_ways.ts`. */
export function makePool(
  connections: Way,
  options: { size?: number; concurrency?: number } = {},
): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/connection_ways.ts", import.meta.url);
  return new ThreadPool({ module, size: 1, ...options, connections });
}

/** A test that is run in both ways. */
export function bothWays(
  name: string,
  fn: (make: MakePool, way: Way) => Promise<void>,
): void {
  for (const way of WAYS) {
    poolTest(
      `${name} (${way})`,
      () => fn((options) => makePool(way, options), way),
    );
  }
}
