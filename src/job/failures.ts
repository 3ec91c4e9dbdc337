// Creates the errors of jobs whose handler did not throw.

import {
  JobTimeoutError,
  MemoryLimitError,
  WorkerCrashedError,
  WorkerStartError,
} from "../errors.ts";
import { textOf } from "../values/names.ts";
import type { Job } from "./job.ts";

/** Returns the error of a job that exceeded its timeout. */
export function timeoutError({ fn, timeout }: Job): JobTimeoutError {
  return new JobTimeoutError(
    `Job "${fn.name}" executed for longer than its timeout of ${timeout} ms`,
  );
}

/** Returns the error of a job whose worker died or was stopped. */
export function crashError(
  { fn: { name } }: Job,
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

/** Returns the error of a pool whose workers cannot start. */
export function startError(
  module: string | undefined,
  cause: unknown,
): WorkerStartError {
  const what = module === undefined
    ? "A worker"
    : `A worker of module ${module}`;
  const head = `${what} could not start: `;
  const reason = reasonOf(cause);
  // A module that fails with this error of its own pool already has the prefix.
  const message = reason.startsWith(head) ? reason : head + reason;
  return new WorkerStartError(message, { cause });
}

function isOutOfMemory(cause: unknown): boolean {
  return cause instanceof Error && "code" in cause &&
    cause.code === "ERR_WORKER_OUT_OF_MEMORY";
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : textOf(cause);
}
