// What the parts of dispatching share.

import type { FunctionTable } from "../job/functions.ts";
import type { PoolEvents } from "../job/pool_events.ts";
import type { JobQueue } from "../job/queue.ts";
import type { Room } from "../job/room.ts";
import type { Settlement } from "../job/settlement.ts";
import type { Meter } from "../job/stats.ts";
import type { Isolation } from "../options.ts";
import type { Endings } from "./endings.ts";
import type { Health } from "./health.ts";
import type { Paced } from "./pace.ts";
import type { Limits, Sizing } from "./sizing.ts";
import type { Watch } from "./watch.ts";
import type { WorkerSettings } from "./worker.ts";
import type { Workers } from "./workers.ts";

/** How a pool dispatches. */
export interface DispatcherSettings extends WorkerSettings {
  isolation: Isolation;
  execArgv: readonly string[];
  /** Whether the caller's own thread runs all jobs. */
  onCallerThread: boolean;
  /** How many workers it starts with. */
  limits: Limits;
  /** After how many ms a worker that is not needed stops. */
  idleTimeout: number;
  /** How many ms a job has to end, once it was told to. */
  abortGrace: number;
  /** How many ms a worker has to end what its jobs want done at the end. */
  stopGrace: number;
}

/** What the dispatcher gets from the pool. */
export interface DispatcherParts {
  functions: FunctionTable;
  settlement: Settlement;
  room: Room;
  meter: Meter;
  events: PoolEvents;
  /** It is of no use to start workers. */
  onBroken(cause: unknown): void;
  /** The workers are ready with which it counts as started. */
  onStarted(): void;
}

/** What all its parts may use. */
export interface Shared extends DispatcherParts {
  settings: DispatcherSettings;
  queue: JobQueue;
  sizing: Sizing;
  pace: Paced;
  health: Health;
  watch: Watch;
}

/** What those may use that act on the workers. */
export interface AllShared extends Shared {
  endings: Endings;
  workers: Workers;
}
