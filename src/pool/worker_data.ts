// What every worker is given: a copy, made once, that nobody changes any more.

import { JobCloneError } from "../errors.ts";
import { kindOf } from "../moving/kind_of.ts";
import { whyCannotCross } from "../values/process_bound.ts";
import { isMoveOnly } from "../values/movable.ts";
import { pack } from "../values/pack.ts";

/**
 * A copy of a value, for every worker to get.
 *
 * @param isRemote Whether workers share no memory with main
 * @throws {JobCloneError} If something in it cannot be cloned, or can be had by one worker only
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
