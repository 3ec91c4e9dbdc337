// Types and limits of batches. A batch is a job that calls its handler with each
// of its arguments, one after the other, so small items share the cost of a job.

import type { Ending } from "./protocol.ts";

/** Time in ms, compared as whole ms, after which a batch runs no more items. */
export const BATCH_TIME = 1;
/** Number of characters in the results after which a batch runs no more items. */
export const BATCH_LETTERS = 16 * 1024;

/**
 * What a batch has done. Main sends the remaining items again. So each item runs
 * once, and items after a slow item do not have to wait for this worker.
 */
export type BatchResult = [
  /** Time in ms that the batch took. */
  time: number,
  /** Results in the order of the items: primitives, or texts of plain data. */
  values: unknown[],
  /** Indexes of the results that are texts. */
  texts: number[],
  /** Ending of the last item that ran, if it ended the batch with another kind of result. */
  ending?: Ending,
];

/** Returns the result of a batch with this ending of its last item. */
export function withEnding(result: BatchResult, ending: Ending): BatchResult {
  // By index, because a job may have replaced the list iterator.
  return [result[0], result[1], result[2], ending];
}

/** Returns how the last item of a batch failed, if it failed. */
export function failureIn(result: unknown): Ending | undefined {
  // A process can send anything.
  const ending = Array.isArray(result)
    ? (result as BatchResult)[3] ?? undefined
    : undefined;
  return ending?.kind === "value" ? undefined : ending;
}
