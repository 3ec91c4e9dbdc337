// Chaos: many jobs, a third of which misbehave in every way that a job can. At
// the end all is as it was before, and every promise has settled as it should.
import { assertEquals, assertLess } from "@std/assert";
import { deadline, delay } from "@std/async";
import {
  MemoryLimitError,
  type PoolStats,
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
import { eventually, liveWorkers } from "./live_workers.ts";
import { randomOf } from "./random.ts";

/** The kinds of workers, by the options that make them. */
export const CHAOS_KINDS = {
  web: {},
  hardKill: { hardKill: true },
  memoryLimit: { memoryLimit: 64 },
  sandbox: { permissions: "none" },
  process: { isolation: "process", permissions: "none", memoryLimit: 64 },
  concurrent: { concurrency: 8 },
  recycled: { maxJobsPerWorker: 50 },
} as const satisfies Record<string, ThreadPoolOptions>;

export type ChaosKind = keyof typeof CHAOS_KINDS;

/** What has been found, where all was well. */
export interface ChaosReport {
  stats: PoolStats;
  /** How many jobs of each deed there were. */
  deeds: Map<string, number>;
  workers: number;
  /** How many ms the slowest promise took. */
  slowest: number;
  /** MiB of memory, before and after. */
  rss: [before: number, after: number];
}

/** One job: what it does, and after how many ms it is aborted, if it is. */
interface Plan {
  name: DeedName;
  isTimed: boolean;
  abortAfter?: number;
}

/** How often each misdeed is done, where another is done ten times. */
const SHARES: [name: DeedName, share: number][] = [
  ["throws", 10],
  ["rejects", 10],
  ["uncloneable", 10],
  ["overflows", 10],
  ["posts", 10],
  ["forges", 10],
  ["closesPort", 10],
  ["overwritesPost", 10],
  ["leavesTimers", 10],
  ["hurries", 10],
  ["heeds", 10],
  // These cost a worker, or hold one up.
  ["closesSelf", 4],
  ["exits", 4],
  ["rejectsUnhandled", 4],
  ["throwsInTimer", 4],
  ["overwritesPromise", 4],
  ["overwritesArrays", 4],
  ["loops", 4],
  ["matches", 4],
  ["waits", 4],
  ["never", 4],
  ["burnsLater", 1],
  ["allocates", 4],
];
const BAD_PART = 1 / 3;
/** Of those that misbehave, so many are aborted. */
const ABORTED_PART = 0.15;
/** Without `hardKill`, nothing ends these but their own timeout. */
const ENDLESS: DeedName[] = ["loops", "matches", "waits"];

/** A promise that has not settled after so many ms hangs. */
const HANGS = 30_000;
const SIZE = 3;
/** So many ms after its start, a process opens what it needs to hear a signal. */
const LISTENS_AFTER = 1_000;
/** MiB that the allocator may keep of hundreds of workers that have ended. */
const MOST_GROWTH = 1_024;
const MIB = 2 ** 20;

/** Gives a pool of this kind so many jobs, the same ones for the same seed. */
export async function chaos(
  kind: ChaosKind,
  { seed, jobs }: { seed: number; jobs: number },
): Promise<ChaosReport> {
  // What the process opens with its first worker, and keeps, is no leak.
  await new ChaosRun(kind, seed).warmUp();
  await delay(Math.max(0, LISTENS_AFTER - performance.now()));
  const threads = await liveWorkers();
  const descriptors = canCountDescriptors ? countDescriptors() : 0;
  const rss = Deno.memoryUsage().rss / MIB;
  const run = new ChaosRun(kind, seed);
  for (let i = 0; i < jobs; i++) await run.give(i);
  const report = await run.end();
  await eventually(async () => {
    const left = await liveWorkers();
    return left.every((name) => threads.includes(name));
  }, () => "Expected all threads to have ended");
  if (Deno.build.os === "linux") {
    await eventually(
      async () => (await liveProcesses()).length === 0,
      () => "Expected all processes to have ended",
    );
  }
  if (canCountDescriptors) {
    await eventually(
      () => countDescriptors() <= descriptors,
      () => `Expected ${descriptors} descriptors, got ${countDescriptors()}`,
    );
  }
  const rssAfter = Deno.memoryUsage().rss / MIB;
  assertLess(rssAfter - rss, MOST_GROWTH);
  return { ...report, rss: [rss, rssAfter] };
}

class ChaosRun {
  readonly #options: ThreadPoolOptions;
  readonly #pool: DeedPool;
  readonly #random: () => number;
  readonly #shares: [DeedName, number][];
  readonly #pending = new Set<Promise<void>>();
  readonly #deeds = new Map<string, number>();
  readonly #failures: unknown[] = [];
  #workers = 0;
  #accepted = 0;
  #slowest = 0;

  constructor(kind: ChaosKind, seed: number) {
    this.#options = CHAOS_KINDS[kind];
    this.#random = randomOf(seed);
    this.#pool = new ThreadPool({
      module: DEEDS_MODULE,
      size: SIZE,
      queue: { capacity: 60 },
      abortGrace: 20,
      ...this.#options,
    });
    this.#pool.addEventListener("workerstart", () => this.#workers++);
    this.#shares = SHARES.filter(([name]) => {
      return name !== "allocates" || "memoryLimit" in CHAOS_KINDS[kind];
    });
  }

  async warmUp(): Promise<void> {
    await this.#pool.execute("map", [0]);
    await this.#pool.execute("never", [0], { timeout: 1 }).catch(() => {});
    await this.#pool.close();
  }

  /** Gives one job, once there is room for it. */
  async give(i: number): Promise<void> {
    await deadline(this.#pool.ready(), HANGS);
    const plan = this.#plan();
    const label = plan.abortAfter === undefined
      ? plan.name
      : `${plan.name}, aborted`;
    this.#deeds.set(label, (this.#deeds.get(label) ?? 0) + 1);
    const check = this.#check(plan, i).catch((error) => {
      this.#failures.push(new Error(`Job ${i} (${label})`, { cause: error }));
    });
    this.#pending.add(check);
    check.then(() => this.#pending.delete(check));
    if (this.#failures.length > 0) await this.#fail();
  }

  #plan(): Plan {
    const random = this.#random;
    if (random() >= BAD_PART) {
      const name = GOOD_NAMES[Math.floor(random() * GOOD_NAMES.length)];
      return { name, isTimed: false };
    }
    const name = this.#misdeed();
    if (random() >= ABORTED_PART) return { name, isTimed: true };
    const isTimed = !this.#isKillable && ENDLESS.includes(name);
    // Half of them in the queue, or where they are then.
    return { name, isTimed, abortAfter: Math.max(0, random() * 60 - 30) };
  }

  #misdeed(): DeedName {
    const sum = this.#shares.reduce((sum, [, share]) => sum + share, 0);
    let rest = this.#random() * sum;
    for (const [name, share] of this.#shares) {
      rest -= share;
      if (rest < 0) return name;
    }
    throw new Error("No misdeed has the rest");
  }

  get #isKillable(): boolean {
    const { hardKill, memoryLimit } = this.#options;
    return hardKill === true || memoryLimit !== undefined;
  }

  async #check(plan: Plan, i: number): Promise<void> {
    const { name, isTimed, abortAfter } = plan;
    const deed = DEEDS[name];
    const stop = new AbortController();
    const start = performance.now();
    const promise = doDeed(this.#pool, name, i, {
      timeout: isTimed ? deed.timeout : undefined,
      signal: abortAfter === undefined ? undefined : stop.signal,
    });
    this.#accepted++;
    if (abortAfter === 0) stop.abort(i);
    else if (abortAfter) setTimeout(() => stop.abort(i), abortAfter);
    const settled = Promise.allSettled([promise]);
    const [outcome] = await deadline(settled, HANGS);
    this.#slowest = Math.max(this.#slowest, performance.now() - start);
    try {
      deed.check(i, outcome);
    } catch (error) {
      if (this.#isExcused(name, outcome, stop.signal)) return;
      const { message } = error as Error;
      throw new Error(`${message}\nof ${Deno.inspect(outcome)}`);
    }
  }

  /** Whether others are the reason why a job has ended so. */
  #isExcused(name: DeedName, outcome: Outcome, signal: AbortSignal): boolean {
    if (outcome.status === "fulfilled") return false;
    const { reason } = outcome;
    if (signal.aborted && reason === signal.reason) return true;
    if (!(reason instanceof WorkerCrashedError)) return false;
    // That memory ran out in a thread is noticed up to 20 ms late: it may be in the next job.
    if (reason instanceof MemoryLimitError) return true;
    if (!reason.started) return name === "moved";
    return (this.#options.concurrency ?? 1) > 1;
  }

  /** Waits for all, and sees that nothing is left. */
  async end(): Promise<Omit<ChaosReport, "rss">> {
    const pool = this.#pool;
    await Promise.all(this.#pending);
    await this.#fail();
    await deadline(pool.drain(), HANGS);
    // A job that was aborted may be on its way to its end.
    await eventually(
      () => pool.stats().queued + pool.stats().running === 0,
      () => `Expected nothing to be left: ${Deno.inspect(pool.stats())}`,
    );
    await deadline(pool.close(), HANGS);
    const stats = pool.stats();
    const { completed, failed, aborted, timedOut } = stats;
    assertEquals(completed + failed + aborted + timedOut, this.#accepted);
    assertEquals(stats.size, 0);
    return {
      stats,
      deeds: this.#deeds,
      workers: this.#workers,
      slowest: this.#slowest,
    };
  }

  async #fail(): Promise<void> {
    if (this.#failures.length === 0) return;
    await this.#pool.terminate();
    throw new AggregateError(this.#failures, String(this.#failures[0]));
  }
}
