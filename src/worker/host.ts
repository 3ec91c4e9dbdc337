// What those who execute jobs need of the thread that they are in.

import type { FromWorker } from "../wire/protocol.ts";

/** Posts a message to main. */
export type Post = (message: FromWorker, moves?: Transferable[]) => void;

/** The thread. */
export interface Host {
  readonly post: Post;
  /** Whether posting copies large buffers by itself. */
  readonly copies?: boolean;
  /** Loads what it takes to post what is not plain data. */
  load?(): Promise<void>;
  /** Resolves in a later turn of the event loop. */
  nextTurn(): Promise<void>;
  /** Makes sure that turns come, where a job was stopped too late. */
  renewTurns?(): void;
  /** Hears of what fails there, and not in a job: then nothing is certain any more. */
  crash(error: unknown): void;
}
