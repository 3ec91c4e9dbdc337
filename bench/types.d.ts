// The words that pools, workloads and the report share.

/** The jobs of jobs.js, by name. */
export type Job = keyof typeof import("./jobs.js");

/** One pool, as the workloads see it: the thinnest layer over each one's own API. */
export interface Pool {
  /** Submits one job with one argument; settles with its result. */
  run(job: Job, arg: unknown): PromiseLike<unknown>;
  /** Moves a buffer into a job and back. */
  move(buffer: ArrayBuffer): PromiseLike<ArrayBuffer>;
  /** Raw messages only: echoes `arg(0)` to `arg(count - 1)`, batched by hand. */
  burst?(count: number, arg: (index: number) => unknown): PromiseLike<void>;
}

/** What every file in pools/ exports. */
export interface PoolModule {
  open(size: number): Pool;
}

/** What a workload is given in the process that measures one pool. */
export interface Bench {
  open(size: number): Pool;
  /** A count, or a small part of it with `--quick`. */
  count(full: number): number;
  /** Hands a figure out at once, so that a later hang does not lose it. */
  report(metric: string, value: number): void;
}

/** How to read a figure. */
export interface Metric {
  better: "more" | "less";
}

/** What every file in workloads/ exports as its default. */
export interface Workload {
  title: string;
  /** Processes for this pool, and for what is none. */
  rounds: number;
  /** Processes for each other pool, where they get fewer. */
  peerRounds?: number;
  /** Seconds after which a process is stopped and reported. */
  limit: number;
  /** Set to `false` where what is no pool has nothing to compare. */
  raw?: false;
  metrics: Record<string, Metric>;
  measure(bench: Bench): Promise<void>;
}

/** One pool on one runtime: a row of the tables. */
export interface Contestant {
  pool: string;
  runtime: "Deno" | "Node";
}

/** All that one process measured. */
export interface Measurement {
  figures: Record<string, number>;
  /** Why figures are missing. */
  failure?: string;
}

/** All that one row of one table is made of. */
export interface Result extends Contestant {
  workload: string;
  /** The figures of each round, by metric. */
  samples: Record<string, number[]>;
  /** Their medians. */
  medians: Record<string, number>;
  /** How many times this pool is ahead of that row, by metric. */
  ratios: Record<string, number>;
  /** Why figures are missing. */
  failure?: string;
}
