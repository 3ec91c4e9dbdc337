// The parts of a pool, as a type that they share.

import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { FunctionTable } from "../job/functions.ts";
import type { Room } from "../job/room.ts";
import type { Settlement } from "../job/settlement.ts";
import type { Meter } from "../job/stats.ts";
import type { Intake } from "./intake.ts";
import type { Lifetime } from "./lifetime.ts";
import type { Listeners } from "./listeners.ts";
import type { PoolSettings } from "./settings.ts";

/** All parts of a pool. Each part is created from the parts above it. */
export interface PoolParts {
  settings: PoolSettings;
  functions: FunctionTable;
  settlement: Settlement;
  room: Room;
  meter: Meter;
  events: Listeners;
  dispatcher: Dispatcher;
  lifetime: Lifetime;
  intake: Intake;
}
