// Tests of pools: each must leave no worker behind.
import { deadline } from "@std/async";

interface Locks {
  query(): Promise<{ held: { name: string }[] }>;
}

const TEST_LIMIT = 20_000;
const STOP_LIMIT = 5_000;

/**
 * The worker threads that live now: each holds a lock for as long as it lives,
 * and on Linux every thread can be seen, even one that holds no lock yet.
 */
export async function liveWorkers(): Promise<string[]> {
  const { locks } = navigator as unknown as { locks: Locks };
  const { held } = await locks.query();
  const names = held.map(({ name }) => name);
  return Deno.build.os === "linux" ? names.concat(threads()) : names;
}

function threads(): string[] {
  const names: string[] = [];
  for (const { name: id } of Deno.readDirSync("/proc/self/task")) {
    try {
      const name = Deno.readTextFileSync(`/proc/self/task/${id}/comm`).trim();
      if (/^worker-\d+$/.test(name)) names.push(name);
    } catch (error) {
      // It has ended since the folder was read.
      if (!isGone(error)) throw error;
    }
  }
  return names;
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Error && error.message.includes("os error 3");
}

/** How many pool workers live now, by the locks that they hold. */
export async function countWorkers(prefix = "spindle-"): Promise<number> {
  const names = await liveWorkers();
  return names.filter((name) => name.startsWith(`thread/${prefix}`)).length;
}

/** Waits until `condition` holds; fails after 5 s. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  what: () => string,
): Promise<void> {
  const end = performance.now() + STOP_LIMIT;
  while (!await condition()) {
    if (performance.now() > end) throw new Error(what());
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** A test that fails if it takes too long, or leaves a worker behind. */
export function poolTest(
  test: string | { name: string; ignore: boolean },
  fn: () => void | Promise<void>,
): void {
  const options = typeof test === "string" ? { name: test } : test;
  Deno.test({
    ...options,
    fn: async () => {
      await using _ = noWorkersLeft(await liveWorkers());
      await deadline(Promise.resolve(fn()), TEST_LIMIT);
    },
  });
}

/** Fails when it is disposed and, even a while later, more workers live. */
function noWorkersLeft(before: string[]): AsyncDisposable {
  let left: string[] = [];
  return {
    [Symbol.asyncDispose]: () =>
      eventually(async () => {
        const now = await liveWorkers();
        left = now.filter((name) => !before.includes(name));
        return left.length === 0;
      }, () => `Expected no worker to be left, found ${left.join(", ")}`),
  };
}
