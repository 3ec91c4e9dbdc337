// A value that nobody gets: what moves with it is let go.

import { pack } from "../values/pack.ts";
import { connectBytes } from "./connect.ts";
import { Departures } from "./departures.ts";
import { MOVERS } from "./kinds.ts";

/** Cancels the streams that a value holds, closes its connections, and ends whatever else moves with it. */
export function discard(value: unknown, why: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const { departing } = pack(value, "result", { movers: MOVERS });
  if (departing.length > 0) new Departures(departing, connectBytes).close(why);
}
