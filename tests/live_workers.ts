// Tests of pools: each must leave no worker behind.
import { deadline } from "@std/async";

const TEST_LIMIT = 20_000;
const STOP_LIMIT = 5_000;

/** Where threads cannot be seen: the Web Workers that were made here, and not told to end. */
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

/** The worker threads that live now: on Linux every thread can be seen. */
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

/** How many worker threads live now. */
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
 * What older versions of Deno lack: threads that can be killed, the private fields
 * of messages, and what connections do natively now. Those without Web Locks do.
 */
const LACKING = "locks" in navigator
  ? undefined
  : /hardKill|[kK]illable|memoryLimit|can be killed|natively|as what it is|a client sends|only a server gives|aborted while it waits|asks a request for its signal|upgradeWebSocket|handshake\(\)|A client that leaves its request|ImageData|takes a value as it is when|a copy of its own|one object at several places|closeInput|frameError|whatever then it exports|naming the place|an error that nobody handles|chaos leaves nothing behind \(sandbox\)/;

/** Whether a test cannot pass here. */
export function isLacking(name: string): boolean {
  return LACKING?.test(name) ?? false;
}

/** A test that fails if it takes too long, or leaves a worker behind. */
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

/** Fails when it is disposed and, even a while later, more workers live. */
function noWorkersLeft(before: string[]): AsyncDisposable {
  let left: string[] = [];
  return {
    [Symbol.asyncDispose]: async () => {
      await eventually(async () => {
        const now = await liveWorkers();
        left = now.filter((name) => !before.includes(name));
        return left.length === 0;
      }, () => `Expected no worker to be left, found ${left.join(", ")}`);
      // Deno counts what was closed in this turn as open: its look at what a test
      // has left open gives the event loop no turn to notice.
      await new Promise((resolve) => setTimeout(resolve));
    },
  };
}
