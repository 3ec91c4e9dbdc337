// The states of a worker: what each means, and which can follow which.

export type WorkerState =
  /** Its thread has not imported the module yet. */
  | "starting"
  /** It is starting, or is ready, ahead of need. */
  | "spare"
  /** It has no jobs. */
  | "idle"
  /** It has jobs. */
  | "busy"
  /** One thing has blocked it for long: it gets no jobs until its next message. */
  | "held"
  /** It is left alone with a job that does not end; its thread cannot be stopped. */
  | "lost"
  /** It gets no more jobs, and ends once it has nothing left to do. */
  | "draining"
  /** It runs its `onStop()` callbacks, within a grace. */
  | "stopping"
  /** It was told to end, or has died. */
  | "gone";

/** States that can follow; `"gone"` can also follow every other state. */
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

/** Whether a worker in this state accepts jobs, or will once it is not held. */
export function isActive(state: WorkerState): boolean {
  return state === "starting" || state === "idle" || state === "busy" ||
    state === "held";
}
