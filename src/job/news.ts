// What is told to those who listen to a pool: only what somebody listens to.

/** The events of a pool, with their details. */
export interface NewsDetails {
  jobstart: { jobId: number; name: string; workerId: number };
  jobend: {
    jobId: number;
    name: string;
    ok: boolean;
    error: unknown;
    workerId: number | undefined;
    waitTime: number;
    runTime: number;
  };
  workerstart: { workerId: number };
  workerstop: { workerId: number };
  workererror: { workerId: number; error: unknown };
  drain: undefined;
}

/**
 * Tells. Listeners run in a microtask of their own, never inside the code that
 * tells: they may call the pool.
 */
export interface News {
  /** Whether somebody may be listening. */
  wants(type: keyof NewsDetails): boolean;
  tell<Type extends keyof NewsDetails>(
    type: Type,
    detail: NewsDetails[Type],
  ): void;
}
