// What the parts of dispatching share.

import type { FunctionTable } from "../job/functions.ts";
import type { News } from "../job/news.ts";
import type { JobQueue } from "../job/queue.ts";
import type { Room } from "../job/room.ts";
import type { Settlement } from "../job/settlement.ts";
import type { Meter } from "../job/stats.ts";
import type { Isolation } from "../options.ts";
import type { Health } from "./health.ts";
import type { Paced } from "./pace.ts";
import type { Watch } from "./watch.ts";
import type { WorkerSettings } from "./worker.ts";

/** How a pool dispatches. */
export interface DispatcherSettings extends WorkerSettings {
  isolation: Isolation;
  execArgv: readonly string[];
  /** Whether the caller's own thread runs all jobs. */
  isHere: boolean;
  size: number;
  /** How many ms a job has to end, once it was told to. */
  abortGrace: number;
}

/** What the dispatcher gets from the pool. */
export interface DispatcherParts {
  functions: FunctionTable;
  settlement: Settlement;
  room: Room;
  meter: Meter;
  news: News;
  /** It is of no use to start workers. */
  onBroken(cause: unknown): void;
}

/** What all its parts may use. */
export interface Shared extends DispatcherParts {
  settings: DispatcherSettings;
  queue: JobQueue;
  pace: Paced;
  health: Health;
  watch: Watch;
}
