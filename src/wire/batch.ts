// What a batch has come to: a job that calls its handler with each of its
// arguments, one after the other, so that small items share the cost of a job.

import type { Ending } from "./protocol.ts";

/** Milliseconds, read as whole ones, after which a batch runs no further item. */
export const BATCH_TIME = 1;
/** Letters in its results with which a batch runs no further item. */
export const BATCH_LETTERS = 16 * 1024;

/**
 * How far a batch has come. What has not run by then is sent again: each item runs
 * once, and those behind one that took long need not wait for this worker.
 */
export type BatchResult = [
  /** How many ms it took. */
  time: number,
  /** What the items came to, in their order, as primitives, or as texts of plain data. */
  values: unknown[],
  /** The indexes of the texts. */
  texts: number[],
  /** How the last item that ran has ended, if not with one of these: it ends the batch. */
  ending?: Ending,
];

/** What a batch has come to whose last item has ended in another way. */
export function withEnding(result: BatchResult, ending: Ending): BatchResult {
  // By index: a job may have replaced how a list is iterated.
  return [result[0], result[1], result[2], ending];
}

/** What the last item of a batch has failed with, if it has. */
export function failureIn(result: unknown): Ending | undefined {
  // A process may have written anything.
  const ending = Array.isArray(result)
    ? (result as BatchResult)[3] ?? undefined
    : undefined;
  return ending?.kind === "value" ? undefined : ending;
}
