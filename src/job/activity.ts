// Types of what each worker is doing now.

/** A job that is running. */
export interface RunningJob {
  /** Number of the job in its pool, from 1. */
  jobId: number;
  /** Name of the job. For an inline job, the name of its function, or `"inline"`. */
  name: string;
  /** Time in ms since the start of the handler. */
  runTime: number;
}

/** What a worker is doing now, see {@linkcode ThreadPool.workers}. */
export interface WorkerActivity {
  /** Number of the worker in its pool, from 1; 0 if the queue was full and the caller runs jobs. */
  workerId: number;
  /**
   * `"starting"`: the worker has not loaded the module yet. `"spare"`: it starts,
   * or is ready, ahead of need. `"idle"`: it has no job. `"busy"`: it has jobs.
   * `"lost"`: its thread continues with a job that was told to end. `"ending"`: it
   * gets no more jobs.
   */
  state: "starting" | "spare" | "idle" | "busy" | "lost" | "ending";
  /** Jobs that the worker is running, in the order of their starts. */
  jobs: RunningJob[];
}
