// What a consumer does with a job of the queue: it has the pool run it, and tells the
// queue what came of that.
import { type Job, UnrecoverableError, WaitingError } from "bullmq";
import type { Redis } from "ioredis";
import {
  JobCloneError,
  JobNotFoundError,
  PoolTerminatedError,
  type ThreadPool,
  WorkerStartError,
} from "@spindle/thread-pool";
import { CANCELLED, cancelledOf, report } from "./queue.ts";

/** So many ms, at least, lie between two progress updates of a job. */
const PROGRESS_INTERVAL = 500;

/** The module's functions: which ones there are, only those who add jobs know. */
export type Jobs = Record<string, (data: unknown) => unknown>;

export interface Context {
  pool: ThreadPool<Jobs>;
  redis: Redis;
  /** Aborts whatever runs, so that it goes back to the queue. */
  giveBack: AbortController;
}

export async function processJob(
  job: Job,
  token: string | undefined,
  signal: AbortSignal,
  { pool, redis, giveBack }: Context,
): Promise<unknown> {
  let lastUpdate = -Infinity;
  const onProgress = (value: unknown) => {
    if (performance.now() - lastUpdate < PROGRESS_INTERVAL) return;
    lastUpdate = performance.now();
    job.updateProgress(value as number).catch(report);
  };
  try {
    const [cancelled] = await cancelledOf(redis, [job.id!]);
    if (cancelled) throw unrecoverable(CANCELLED);
    const options = { signal, onProgress };
    return await pool.execute(job.name, [job.data], options);
  } catch (error) {
    if (signal.reason === CANCELLED) throw unrecoverable(CANCELLED);
    if (isEndOfPool(error)) giveBack.abort(error);
    if (signal.aborted) {
      // To the head of the queue, and no attempt is lost. Where the lock is lost this
      // throws and changes nothing: the job is somebody else's by now.
      await job.moveToWait(token);
      throw new WaitingError();
    }
    const isHopeless = error instanceof JobNotFoundError ||
      error instanceof JobCloneError;
    throw isHopeless ? unrecoverable(error.message, error) : error;
  }
}

/** Another consumer's pool may still run the job. */
function isEndOfPool(error: unknown): boolean {
  return error instanceof WorkerStartError ||
    error instanceof PoolTerminatedError;
}

/** What a retry does not help. The queue keeps the stack of its cause. */
function unrecoverable(message: string, cause?: Error): UnrecoverableError {
  const error = new UnrecoverableError(message);
  return cause ? Object.assign(error, { cause, stack: cause.stack }) : error;
}
