// Chaos: on each kind of worker, a third of the jobs misbehave in every way that a
// job can. Every promise settles as it should, and nothing is left behind at the end.
// Many more jobs, from seed 7 on: deno task test:long chaos --seed 7
import { assert, assertEquals, assertLess } from "@std/assert";
import { deadline } from "@std/async";
import {
  MemoryLimitError,
  ThreadPool,
  type ThreadPoolOptions,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import {
  type DeedName,
  type DeedPool,
  DEEDS,
  DEEDS_MODULE,
  doDeed,
  GOOD_NAMES,
  type Outcome,
} from "./deeds.ts";
import { canCountDescriptors, countDescriptors } from "./descriptors.ts";
import { liveProcesses } from "./live_processes.ts";
import { eventually, isLacking, liveWorkers } from "./live_workers.ts";
import { randomOf } from "./random.ts";

const JOBS = Number(Deno.env.get("CHAOS_JOBS") ?? 120);
const SEED = Number(Deno.env.get("CHAOS_SEED") ?? 1);

/** Options that make each kind of worker. */
const KINDS: Record<string, ThreadPoolOptions> = {
  web: {},
  hardKill: { hardKill: true },
  memoryLimit: { memoryLimit: 64 },
  sandbox: { permissions: "none" },
  process: { isolation: "process", permissions: "none", memoryLimit: 64 },
  concurrent: { concurrency: 8 },
  recycled: { maxJobsPerWorker: 50 },
};

/** Misdeeds that are picked twice as often as those in `SELDOM`. */
const OFTEN: DeedName[] = [
  "throws",
  "rejects",
  "uncloneable",
  "overflows",
  "posts",
  "forges",
  "closesPort",
  "overwritesPost",
  "leavesTimers",
  "hurries",
  "heeds",
];
/** Misdeeds that cost a worker or hold it up. */
const SELDOM: DeedName[] = [
  "closesSelf",
  "exits",
  "rejectsUnhandled",
  "throwsInTimer",
  "overwritesPromise",
  "overwritesArrays",
  "loops",
  "matches",
  "waits",
  "never",
  "burnsLater",
  "allocates",
];
const BAD_PART = 1 / 3;
/** Fraction of the misbehaving jobs that are aborted. */
const ABORTED_PART = 0.15;
/** Misdeeds that only their own timeout ends, without `hardKill`. */
const ENDLESS: DeedName[] = ["loops", "matches", "waits"];

/** Time in ms after which a promise that has not settled hangs. */
const HANGS = 30_000;
/** Number of descriptors that Deno opens for itself at some time, once. */
const OWN_DESCRIPTORS = 2;
/** MiB that the allocator can keep after hundreds of workers have ended. */
const MOST_GROWTH = 1_024;
const MIB = 2 ** 20;

for (const [kind, options] of Object.entries(KINDS)) {
  const name = `chaos leaves nothing behind (${kind})`;
  Deno.test({ name, ignore: isLacking(name) }, async () => {
    if (kind === "sandbox" && !Deno.env.has("CHAOS_FLAG")) await runWithFlag();
    else await checkChaos(options);
  });
}

/** Runs the only test that needs a flag, in a separate process. */
async function runWithFlag(): Promise<void> {
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "-A", "--no-check", "--unstable-worker-options"],
      ...["--filter", "(sandbox)", import.meta.filename!],
    ],
    stdin: "null",
    env: { CHAOS_FLAG: "1" },
  }).output();
  assert(success, new TextDecoder().decode(stdout));
}

async function checkChaos(options: ThreadPoolOptions): Promise<void> {
  // What the process opens with its first worker and keeps is not a leak.
  const first = new ThreadPool({ module: DEEDS_MODULE, size: 1, ...options });
  await first.execute("map", [0]);
  await first.execute("never", [0], { timeout: 1 }).catch(() => {});
  await first.close();
  const threads = await liveWorkers();
  const descriptors = canCountDescriptors
    ? countDescriptors() + OWN_DESCRIPTORS
    : 0;
  const rss = Deno.memoryUsage().rss / MIB;

  await new Chaos(options).run();

  let left: string[] = [];
  await eventually(async () => {
    left = (await liveWorkers()).filter((name) => !threads.includes(name));
    if (Deno.build.os === "linux") left.push(...await liveProcesses());
    return left.length === 0;
  }, () => `Expected no worker to be left, found ${left.join(", ")}`);
  if (canCountDescriptors) {
    await eventually(
      () => countDescriptors() <= descriptors,
      () => `Expected ${descriptors} descriptors, got ${countDescriptors()}`,
    );
  }
  assertLess(Deno.memoryUsage().rss / MIB - rss, MOST_GROWTH);
}

class Chaos {
  readonly #options: ThreadPoolOptions;
  readonly #pool: DeedPool;
  readonly #random = randomOf(SEED);
  readonly #misdeeds: DeedName[];
  readonly #pending = new Set<Promise<void>>();
  readonly #failures: unknown[] = [];

  constructor(options: ThreadPoolOptions) {
    this.#options = options;
    this.#pool = new ThreadPool({
      module: DEEDS_MODULE,
      size: 3,
      queue: { capacity: 60 },
      abortGrace: 20,
      ...options,
    });
    this.#misdeeds = [...OFTEN, ...OFTEN, ...SELDOM].filter((name) =>
      name !== "allocates" || options.memoryLimit !== undefined
    );
  }

  /** Submits each job once there is room for it, and checks that all of them end. */
  async run(): Promise<void> {
    const pool = this.#pool;
    for (let i = 0; i < JOBS && this.#failures.length === 0; i++) {
      await deadline(pool.ready(), HANGS);
      const check = this.#check(i).catch((error) => {
        this.#failures.push(new Error(`Job ${i}`, { cause: error }));
      });
      this.#pending.add(check);
      check.then(() => this.#pending.delete(check));
    }
    await Promise.all(this.#pending);
    if (this.#failures.length > 0) {
      await pool.terminate();
      throw new AggregateError(this.#failures, String(this.#failures[0]));
    }
    await deadline(pool.drain(), HANGS);
    // An aborted job may not have ended yet.
    await eventually(
      () => pool.stats().queued + pool.stats().running === 0,
      () => `Expected nothing to be left: ${Deno.inspect(pool.stats())}`,
    );
    await deadline(pool.close(), HANGS);
    const { completed, failed, aborted, timedOut, size } = pool.stats();
    assertEquals([completed + failed + aborted + timedOut, size], [JOBS, 0]);
  }

  #pick(names: readonly DeedName[]): DeedName {
    return names[Math.floor(this.#random() * names.length)];
  }

  async #check(i: number): Promise<void> {
    const isBad = this.#random() < BAD_PART;
    const name = this.#pick(isBad ? this.#misdeeds : GOOD_NAMES);
    const isAborted = isBad && this.#random() < ABORTED_PART;
    const { hardKill, memoryLimit } = this.#options;
    const needsTime = !hardKill && !memoryLimit && ENDLESS.includes(name);
    const stop = new AbortController();
    const { signal } = stop;
    const promise = doDeed(this.#pool, name, i, {
      timeout: isBad && (!isAborted || needsTime)
        ? DEEDS[name].timeout
        : undefined,
      signal: isAborted ? signal : undefined,
    });
    if (isAborted) {
      // Half of them at once, the others within 30 ms.
      const ms = Math.max(0, this.#random() * 60 - 30);
      if (ms === 0) stop.abort(i);
      else setTimeout(() => stop.abort(i), ms);
    }
    const [outcome] = await deadline(Promise.allSettled([promise]), HANGS);
    if (this.#isExcused(name, outcome, signal)) return;
    try {
      DEEDS[name].check(i, outcome);
    } catch (error) {
      throw new Error(`${name}: ${error}\nof ${Deno.inspect(outcome)}`);
    }
  }

  /** Whether other jobs can be the reason why a job has ended this way. */
  #isExcused(name: DeedName, outcome: Outcome, signal: AbortSignal): boolean {
    if (outcome.status === "fulfilled") return false;
    const { reason } = outcome;
    if (signal.aborted && reason === signal.reason) return true;
    if (!(reason instanceof WorkerCrashedError)) return false;
    // A thread's memory limit is noticed up to 20 ms late, possibly in the next job.
    if (reason instanceof MemoryLimitError) {
      return this.#options.memoryLimit !== undefined;
    }
    // An earlier job may have overwritten what its worker needs.
    if (/overwritten|no promise/.test(reason.message)) return true;
    if (!reason.started) return name === "moved";
    return (this.#options.concurrency ?? 1) > 1;
  }
}
