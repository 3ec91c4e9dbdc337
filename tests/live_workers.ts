// Declares tests of pools, each of which must leave no worker behind.
import { deadline } from "@std/async";

const TEST_LIMIT = 20_000;
const STOP_LIMIT = 5_000;

/** Web Workers that were not terminated, where threads cannot be listed. */
const made = new Map<Worker, string>();

if (Deno.build.os !== "linux") {
  const { terminate } = Worker.prototype;
  globalThis.Worker = class extends Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      made.set(this, `made-${crypto.randomUUID()}`);
    }

    override terminate(): void {
      terminate.call(this);
      made.delete(this);
    }
  };
}

/** Returns the live worker threads; Linux lists every thread. */
export function liveWorkers(): Promise<string[]> {
  return Promise.resolve(
    Deno.build.os === "linux" ? threads() : [...made.values()],
  );
}

function threads(): string[] {
  const names: string[] = [];
  for (const { name: id } of Deno.readDirSync("/proc/self/task")) {
    try {
      const name = Deno.readTextFileSync(`/proc/self/task/${id}/comm`).trim();
      if (/^worker-\d+$/.test(name)) names.push(name);
    } catch (error) {
      // The thread has ended since the folder was read.
      if (!isGone(error)) throw error;
    }
  }
  return names;
}

function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    error instanceof Error && error.message.includes("os error 3");
}

/** Returns the number of live worker threads. */
export async function countWorkers(): Promise<number> {
  return (await liveWorkers()).length;
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

/**
 * Names of tests that need what Deno lacks in versions without Web Locks: killable
 * threads, private fields of messages, and what connections now do natively.
 */
const LACKING = "locks" in navigator
  ? undefined
  : /hardKill|[kK]illable|memoryLimit|natively|as what it is|keeps the class of the caller's reason|aborted while it waits|upgradeWebSocket|handshake\(\)|A client that leaves its request|ImageData|takes a value as it is when|a copy of its own|one object at several places|closeInput|frameError|exports something named then|naming the place|an error that nobody handles|chaos leaves nothing behind \(sandbox\)/;

/** Returns whether a test cannot pass in this version of Deno. */
export function isLacking(name: string): boolean {
  return LACKING?.test(name) ?? false;
}

/** Declares a test that fails if it takes too long, or leaves a worker behind. */
export function poolTest(
  test: string | { name: string; ignore: boolean },
  fn: (test: Deno.TestContext) => void | Promise<void>,
): void {
  const options = typeof test === "string"
    ? { name: test, ignore: false }
    : test;
  Deno.test({
    ...options,
    ignore: options.ignore || isLacking(options.name),
    fn: async (context) => {
      await using _ = noWorkersLeft(await liveWorkers());
      await deadline(Promise.resolve(fn(context)), TEST_LIMIT);
    },
  });
}

/** Fails on disposal if, even a while later, more workers are alive. */
function noWorkersLeft(before: string[]): AsyncDisposable {
  let left: string[] = [];
  return {
    [Symbol.asyncDispose]: async () => {
      await eventually(async () => {
        const now = await liveWorkers();
        left = now.filter((name) => !before.includes(name));
        return left.length === 0;
      }, () => `Expected no worker to be left, found ${left.join(", ")}`);
      // Deno checks what a test has left open without a turn of the event loop, and
      // so counts what was closed in this turn as open.
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}
