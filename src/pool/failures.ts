// The errors of jobs that fail for another reason than their handler's.

import {
  JobTimeoutError,
  MemoryLimitError,
  WorkerCrashedError,
  WorkerStartError,
} from "../errors.ts";
import type { Job } from "../job/job.ts";
import { textOf } from "../values/text_of.ts";

/** The error of a job that has executed for longer than it may. */
export function timeoutError({ fn, timeout }: Job): JobTimeoutError {
  return new JobTimeoutError(
    `Job "${fn.name}" executed for longer than its timeout of ${timeout} ms`,
  );
}

/** The error of a job whose worker died. */
export function crashError(
  name: string,
  started: boolean,
  cause: unknown,
): WorkerCrashedError {
  if (started && isOutOfMemory(cause)) {
    return new MemoryLimitError(
      `Job "${name}" needed more memory than its worker may have, and the worker died`,
      { cause, started },
    );
  }
  const message = started
    ? `The worker died while job "${name}" was running`
    : `The worker died before job "${name}" had started, and what moved with it is lost`;
  return new WorkerCrashedError(`${message}: ${reasonOf(cause)}`, {
    cause,
    started,
  });
}

/** The error of a pool whose workers cannot start. */
export function startError(
  module: string | undefined,
  cause: unknown,
): WorkerStartError {
  const what = module === undefined
    ? "A worker"
    : `A worker of module ${module}`;
  return new WorkerStartError(`${what} could not start: ${reasonOf(cause)}`, {
    cause,
  });
}

function isOutOfMemory(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause &&
    cause.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : textOf(cause);
}
