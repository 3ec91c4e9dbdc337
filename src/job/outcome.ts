// How a job, or an item of a batch, ended in its worker, and its error.

import { JobCloneError, JobNotFoundError } from "../errors.ts";
import { unpackError } from "../values/unpack_error.ts";
import type { Ending } from "../wire/protocol.ts";
import { explain } from "./explain.ts";
import type { PoolFunction } from "./functions.ts";

/** How a job ended in its worker, if not with a plain value. */
export type Outcome =
  | { kind: "value"; value: unknown }
  | { kind: "error"; error: unknown }
  | { kind: "not-found" | "not-cloneable"; message: string }
  | { kind: "timed-out" };

/** Returns the outcome of an ending, with the error that was sent. */
export function outcomeOf(ending: Ending): Outcome {
  return ending.kind === "error"
    ? { kind: "error", error: unpackError(ending.error) }
    : ending;
}

/** Returns the error of a job that failed in its own code. */
export function errorOf(outcome: Outcome, fn: PoolFunction): unknown {
  switch (outcome.kind) {
    case "error":
      explain(outcome.error, fn);
      return outcome.error;
    case "not-found":
      return new JobNotFoundError(outcome.message);
    case "not-cloneable":
      return new JobCloneError(outcome.message);
  }
  throw new TypeError(`Expected an error, got "${outcome.kind}"`);
}

/** Returns the error of a batch item. Never throws, although a process can send anything. */
export function errorOfItem(ending: Ending, fn: PoolFunction): unknown {
  try {
    return errorOf(outcomeOf(ending), fn);
  } catch (cause) {
    return new Error("What the worker has written cannot be read", { cause });
  }
}
