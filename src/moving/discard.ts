// Releases what moves with a value that cannot be delivered.

import { pack } from "../values/pack.ts";
import { connectBytes } from "./connect.ts";
import { Departures } from "./departures.ts";
import { MOVERS } from "./kinds.ts";

/** Cancels a value's streams, closes its connections, and ends what else moves. */
export function discard(value: unknown, why: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const { departing } = pack(value, "result", { movers: MOVERS });
  if (departing.length > 0) new Departures(departing, connectBytes).close(why);
}
