// A result that nobody gets: what has come with it is let go.

import { pack } from "../values/pack.ts";
import { Departures } from "./departures.ts";
import { MOVERS } from "./kinds.ts";

/** Cancels the streams that a value holds, and ends whatever else has moved with it. */
export function discard(value: unknown, why: unknown): void {
  if (typeof value !== "object" || value === null) return;
  const { departing } = pack(value, "result", { movers: MOVERS });
  if (departing.length > 0) new Departures(departing).close(why);
}
