// Types of the parts and settings that the files of this folder share.

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

/** Settings of the dispatcher. */
export interface DispatcherSettings extends WorkerSettings {
  isolation: Isolation;
  execArgv: readonly string[];
  /** Whether the caller's own thread runs all jobs. */
  onCallerThread: boolean;
  /** Minimum and maximum number of workers at first. */
  limits: Limits;
  /** Time in ms after which a worker that is not needed stops. */
  idleTimeout: number;
  /** Time in ms that a job has to end after it was aborted. */
  abortGrace: number;
  /** Time in ms that a worker has for its `onStop()` callbacks. */
  stopGrace: number;
}

/** What the dispatcher gets from the pool. */
export interface DispatcherParts {
  functions: FunctionTable;
  settlement: Settlement;
  room: Room;
  meter: Meter;
  events: PoolEvents;
  /** Called when it is useless to start workers. */
  onBroken(cause: unknown): void;
  /** Called when enough workers are ready for the pool to count as started. */
  onStarted(): void;
}

/** What all parts of the dispatcher can use. */
export interface Shared extends DispatcherParts {
  settings: DispatcherSettings;
  queue: JobQueue;
  sizing: Sizing;
  pace: Paced;
  health: Health;
  watch: Watch;
}

/** What parts that act on the workers can use. */
export interface AllShared extends Shared {
  endings: Endings;
  workers: Workers;
}
