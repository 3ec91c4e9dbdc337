// What is told of channels where a chunk of one cannot cross: that one ends, on both
// sides, and the others go on.

import { transferablesIn } from "../values/movable.ts";
import { packError } from "../values/error_codec.ts";
import { JobCloneError } from "../errors.ts";
import { FlowEvent, type FlowEvents } from "../flow/events.ts";
import { push, sliceList } from "../values/intrinsics.ts";

/** As it was before any job could overwrite it. */
const { queueMicrotask } = globalThis;

/**
 * Sends events one by one; of a channel whose chunk cannot cross, both ends learn
 * that.
 *
 * @param send Throws if an event cannot cross
 * @param tell Tells the end on this side
 */
export function flowEach(
  events: FlowEvents,
  moves: readonly Transferable[],
  send: (events: FlowEvents, moves: Transferable[]) => void,
  tell: (events: FlowEvents) => void,
): void {
  for (let i = 0; i < events.length; i += 3) {
    const event = sliceList(events, i, i + 3) as FlowEvents;
    const own = transferablesIn(event[2]);
    const moved: Transferable[] = [];
    for (let i = 0; i < moves.length; i++) {
      if (own.has(moves[i])) push(moved, moves[i]);
    }
    try {
      send(event, moved);
    } catch (cause) {
      const error = packError(
        new JobCloneError("A chunk cannot move between processes", { cause }),
      );
      send([event[0], FlowEvent.END, error], []);
      // Not before those who send have come to the end of what they do.
      queueMicrotask(() => tell([event[0], FlowEvent.STOP, error]));
    }
  }
}
