// The states of a worker: what each means, and which may follow which.

/** What a worker is up to. */
export type WorkerState =
  /** Its thread has not imported the module yet. */
  | "starting"
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
  /** It was told to end, or has died. */
  | "gone";

/** Which states may follow; every state but the last may become `"gone"`. */
export const NEXT: Record<WorkerState, readonly WorkerState[]> = {
  starting: ["idle", "busy", "lost"],
  idle: ["busy", "held", "draining"],
  busy: ["idle", "held", "lost", "draining"],
  held: ["idle", "busy", "lost", "draining"],
  lost: ["idle", "busy", "draining"],
  draining: [],
  gone: [],
};

/** Whether a worker in a state may be given jobs. */
export function isActive(state: WorkerState): boolean {
  return state === "starting" || state === "idle" || state === "busy" ||
    state === "held";
}
