// How much is measured, and how.

/** What the flags say of it. */
export interface Effort {
  /** Rounds of each table whose rows are measured in turn. */
  rounds: number;
  /** Seconds of load in a round. */
  seconds: number;
  /** Only these rows; all where it is empty. */
  contestants: string[];
  /** Connections in progress in one worker of the pool; the others do not limit theirs. */
  concurrency: number;
  /** Whether a handler's 2 ms pass by the clock instead of by counted work. */
  clock: boolean;
  /** MiB of a stream. */
  mib: number;
  /** Seconds that the slow reader reads. */
  slowSeconds: number;
  /** Idle connections. */
  idle: number;
  /** Connections that reset. */
  flood: number;
}

/** The rows that are wanted. */
export function wanted<Row extends { name: string }>(
  rows: Row[],
  { contestants }: Effort,
): Row[] {
  if (contestants.length === 0) return rows;
  return rows.filter(({ name }) => contestants.includes(name));
}
