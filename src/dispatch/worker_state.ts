// The states of a worker: what each means, and which may follow which.

/** What a worker is up to. */
export type WorkerState =
  /** Its thread has not imported the module yet. */
  | "starting"
  /** It starts, or is ready, ahead of the need for it. */
  | "spare"
  /** It has nothing to do. */
  | "idle"
  /** It has jobs. */
  | "busy"
  /** One thing has held it for long: it is sent nothing until it says something. */
  | "held"
  /** It is left alone with a job that does not end, in a thread that cannot be stopped. */
  | "lost"
  /** It gets no more jobs, and ends once nothing is left to do for it. */
  | "draining"
  /** It runs what `onStop()` was given, for a grace. */
  | "stopping"
  /** It was told to end, or has died. */
  | "gone";

/** Which states may follow; every state but the last may become `"gone"`. */
export const NEXT: Record<WorkerState, readonly WorkerState[]> = {
  starting: ["spare", "idle", "busy", "lost", "draining"],
  spare: ["starting", "idle", "draining"],
  idle: ["busy", "held", "draining"],
  busy: ["idle", "held", "lost", "draining"],
  held: ["idle", "busy", "lost", "draining"],
  lost: ["idle", "busy", "draining"],
  draining: ["stopping"],
  stopping: [],
  gone: [],
};

/** Whether a worker in a state may be given jobs. */
export function isActive(state: WorkerState): boolean {
  return state === "starting" || state === "idle" || state === "busy" ||
    state === "held";
}
