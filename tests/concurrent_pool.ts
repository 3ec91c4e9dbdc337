// Pools whose workers have several jobs in progress at once, for tests of them.
import { ThreadPool, type ThreadPoolOptions } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/concurrency.ts";
import { Gate } from "./gate.ts";

/** A pool of the jobs in `fixtures/concurrency.ts`. */
export function makePool(
  size: number,
  concurrency: number,
  queue?: ThreadPoolOptions["queue"],
): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/concurrency.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({ module, size, concurrency, queue });
}

/** A pool whose workers are all there, and idle. */
export async function readyPool(
  size: number,
  concurrency: number,
): Promise<ThreadPool<typeof jobs>> {
  const pool = makePool(size, concurrency);
  const { held, gate } = await fill(pool, size * concurrency);
  gate.open();
  await Promise.all(held);
  return pool;
}

/** So many jobs that are in progress, and tell their worker once the gate is open. */
export async function fill(pool: ThreadPool<typeof jobs>, count: number) {
  const gate = new Gate();
  const held = Array.from(
    { length: count },
    () => pool.execute("workerAtGate", [gate.key]),
  );
  await gate.arrived(count);
  return { held, gate, [Symbol.dispose]: () => gate.open() };
}

/** Lets all that is due, and needs no other thread, happen. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((r) => setTimeout(r));
}
