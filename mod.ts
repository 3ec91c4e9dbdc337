/**
 * A thread pool for Deno. It runs functions on Web Workers, moves their data
 * instead of copying it, and returns the results as promises.
 *
 * ```ts
 * import { ThreadPool } from "@spindle/thread-pool";
 *
 * await using pool = new ThreadPool(4);
 * console.log(await pool.execute((a: number, b: number) => a + b, [1, 2])); // 3
 * ```
 *
 * Handlers import {@linkcode currentJob} and {@linkcode transfer} from
 * `@spindle/thread-pool/worker`.
 *
 * @module
 */

export * from "./src/errors.ts";
export type {
  ConnectionsMode,
  ExecuteOptions,
  Isolation,
  MapOptions,
  OnError,
  PermissionOptions,
  PoolSize,
  QueueOptions,
  StreamOptions,
  ThreadPoolOptions,
  WaitOptions,
  WhenFull,
} from "./src/options.ts";
export type { ThreadPoolEventMap } from "./src/job/pool_events.ts";
export type { RunningJob, WorkerActivity } from "./src/job/activity.ts";
export type {
  JobCounts,
  JobStats,
  PoolStats,
  StatsOptions,
} from "./src/job/stats.ts";
export type { Times } from "./src/job/times.ts";
export type {
  AnyGenerator,
  GeneratorValue,
  InlineGenerator,
  InlineJob,
  JobArguments,
  JobItem,
  JobName,
  JobResult,
  JobStream,
  MapResult,
  NoGenerator,
  NoSecondArgument,
  StreamName,
  StreamValue,
} from "./src/pool/job_types.ts";
export type { JobFunctions } from "./src/pool/job_functions.ts";
export type { ItemSource } from "./src/pool/map_source.ts";
export type { Sender } from "./src/pool/sender.ts";
export { ThreadPool } from "./src/pool/thread_pool.ts";
export { transfer } from "./src/values/transfer.ts";
