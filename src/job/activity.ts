// What the workers do now, one by one.

/** A job that runs now. */
export interface RunningJob {
  /** The job's number in its pool, from 1. */
  jobId: number;
  /** The job's name; of an inline job, the name of its function, or `"inline"`. */
  name: string;
  /** Milliseconds since the start of the handler. */
  runTime: number;
}

/** What a worker does now, see {@linkcode ThreadPool.workers}. */
export interface WorkerActivity {
  /** The worker's number in its pool, from 1; 0 if the queue was full and the caller runs jobs. */
  workerId: number;
  /**
   * `"starting"`: it has not loaded the module yet. `"spare"`: it starts, or is
   * ready, ahead of the need for it. `"idle"`: it has no job. `"busy"`: it has jobs.
   * `"lost"`: its thread goes on with a job that was told to end. `"ending"`: it
   * gets no more jobs.
   */
  state: "starting" | "spare" | "idle" | "busy" | "lost" | "ending";
  /** The jobs that it runs now, in the order of their starts. */
  jobs: RunningJob[];
}
