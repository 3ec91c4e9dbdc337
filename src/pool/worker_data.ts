// Copies the value that every worker receives, so later changes have no effect.

import { JobCloneError } from "../errors.ts";
import { kindOf } from "../moving/kind_of.ts";
import { whyCannotCross } from "../values/process_bound.ts";
import { isMoveOnly } from "../values/movable.ts";
import { pack } from "../values/pack.ts";

/**
 * Returns a copy of a value, for all workers.
 *
 * @param isRemote Whether workers share no memory with main
 * @throws {JobCloneError} If a part of the value cannot be cloned, or only one worker could have it
 */
export function copyForWorkers(value: unknown, isRemote: boolean): unknown {
  if (value === undefined) return undefined;
  const whyStays = (part: object) => {
    const kind = kindOf(part);
    if (kind === "value") return "cannot be cloned: give what it is made of";
    if (kind !== undefined || isMoveOnly(part)) {
      return "can be had by one job only, and not by every worker";
    }
    return isRemote ? whyCannotCross(part) : undefined;
  };
  const { value: copy, moves } = pack(value, "workerData", { whyStays });
  if (moves.length > 0) {
    throw new JobCloneError(
      "workerData holds what is marked with transfer(), but every worker gets a copy",
    );
  }
  return structuredClone(copy);
}
