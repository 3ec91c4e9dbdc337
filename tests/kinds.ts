// The kinds of workers, and pools of them that run the jobs of `fixtures/jobs.ts`.
import {
  ThreadPool,
  type ThreadPoolEventMap,
  type ThreadPoolOptions,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/jobs.ts";
import { liveProcesses } from "./live_processes.ts";
import { countWorkers } from "./live_workers.ts";

/** Options that make each kind of worker. */
export const KINDS = {
  thread: {},
  "killable thread": { hardKill: true },
  process: { isolation: "process" },
} as const satisfies Record<string, ThreadPoolOptions>;

/** The same, and the options of pools without workers. */
export const ALL_KINDS = {
  ...KINDS,
  "no worker": { isolation: "none" },
} as const satisfies Record<string, ThreadPoolOptions>;

export type Kind = keyof typeof KINDS;
export type AnyKind = keyof typeof ALL_KINDS;
export const KIND_NAMES = Object.keys(KINDS) as Kind[];

export type JobPool = ThreadPool<typeof jobs>;
export const MODULE = new URL("./fixtures/jobs.ts", import.meta.url);

/** Returns a pool of one worker, unless the options say otherwise. */
export function makePool(
  options: ThreadPoolOptions = {},
  kind: AnyKind = "thread",
): JobPool {
  return new ThreadPool({
    module: MODULE,
    size: 1,
    ...ALL_KINDS[kind],
    ...options,
  });
}

/** Returns this many numbers from 0. */
export function numbersTo(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

/** Resolves with the next event of a type. */
export function nextEvent<Type extends keyof ThreadPoolEventMap>(
  pool: ThreadPool,
  type: Type,
): Promise<ThreadPoolEventMap[Type]> {
  return new Promise((resolve) => {
    pool.addEventListener(type, resolve, { once: true });
  });
}

/** Runs jobs until the pool knows that they are small, so that it sends them ahead. */
export async function warmUp(pool: JobPool): Promise<void> {
  for (const i of numbersTo(50)) await pool.execute("echo", [i]);
}

/** Returns what a promise rejects with, and handles the rejection at once. */
export function reasonOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`Expected a rejection, got ${Deno.inspect(value)}`);
    },
    (reason) => reason,
  );
}

/** Returns a signal that counts its listeners. */
export function countedSignal() {
  const controller = new AbortController();
  const { signal } = controller;
  const listeners = new Set<unknown>();
  const { addEventListener, removeEventListener } = signal;
  const counts = { added: 0 };
  signal.addEventListener = (...args: unknown[]) => {
    counts.added++;
    listeners.add(args[1]);
    Reflect.apply(addEventListener, signal, args);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listeners.delete(args[1]);
    Reflect.apply(removeEventListener, signal, args);
  };
  return { controller, signal, listeners, counts };
}

/** Starts a job that runs, in a worker of any kind, until its door is opened. */
export async function hold(pool: JobPool) {
  const door = new AbortController();
  const started = nextEvent(pool, "jobstart");
  const job = pool.execute("waitFor", [door.signal]);
  await started;
  const open = () => door.abort();
  return { job, open, [Symbol.dispose]: open };
}

/** Waits for everything that is due and needs no other thread. */
export async function turns(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((done) => setTimeout(done));
}

/** Returns the number of live worker threads, or of worker processes. */
export async function countLive(kind: AnyKind): Promise<number> {
  if (kind !== "process") return await countWorkers();
  const commands = await liveProcesses();
  return commands.filter((one) => !one.includes("guardProcesses")).length;
}
