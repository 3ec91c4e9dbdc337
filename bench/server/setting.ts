// What a measured process is told on its command line, and what it tells before it is measured.
import type { Work } from "./http.ts";

/** How a contestant is to serve. */
export interface ServerSetting {
  work: Work;
  /** Connections that one worker of a pool may have in progress. */
  concurrency: number;
  /** How connections move, where it is not the pool's default. */
  connections?: "descriptor";
}

/** What a contestant says once it is up, or why it cannot be measured. */
export type Ready = { port: number } | { refused: string };

/** What a pool's server says when asked. */
export interface ServerStatus {
  running: number;
  queued: number;
  crashed: number;
  /** Jobs that ended with an error: of clients that reset, say. */
  failed: number;
}
