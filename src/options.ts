// The options of a pool and of a call, and what they mean.

/** What happens to a job that finds the queue full. */
export type WhenFull = "wait" | "reject" | "discard-oldest" | "caller-runs";

/** What separates workers from the program. */
export type Isolation = "thread" | "process";

/**
 * How a connection moves into a job. Either way it arrives as what it was: a
 * `Deno.TcpConn`, a `Deno.UnixConn` or a `Deno.TlsConn`. By design it differs
 * from a native connection in the following:
 *
 * - It belongs to the job and closes when the job ends. When the job is aborted,
 *   reads reject with `Deno.errors.Interrupted`; writes still work, so that the
 *   handler can answer.
 * - The end of `readable` leaves the connection open for writing, and
 *   `writable.close()` leaves it open for reading. Natively, both close it.
 * - `ref()` and `unref()` have no effect: the job keeps the process alive.
 * - Options that `setNoDelay()` and `setKeepAlive()` set apply a moment later.
 * - As `"bytes"`, `write()` resolves once the bytes are on their way, at most
 *   1 MiB ahead of the client. So a client that has left is reported by a later
 *   write, and `close()` still sends what was written before.
 */
export type ConnectionsMode = "bytes" | "descriptor";

/** The limit of a pool's queue. */
export interface QueueOptions {
  /**
   * How many jobs may wait beside those that the workers can take at once. A
   * waiting job takes about 350 bytes beside its arguments.
   *
   * @default {Infinity}
   */
  capacity?: number;
  /**
   * - `"wait"`: {@linkcode ThreadPool.ready} tells when there is room, and
   *   `execute()` accepts always.
   * - `"reject"`: `execute()` rejects with {@linkcode QueueFullError}.
   * - `"discard-oldest"`: the job that has waited longest makes room, and rejects
   *   with {@linkcode JobDiscardedError}. Where none waits that could, the new job
   *   is rejected with {@linkcode QueueFullError}.
   * - `"caller-runs"`: the job runs in the thread that called `execute()`, which
   *   so gives no further jobs meanwhile. Its arguments and result are cloned, or
   *   move, as if it ran in a worker; nothing protects that thread from it, so
   *   this goes with none of `timeout`, `hardKill`, `memoryLimit`, `permissions`.
   *
   * @default {"wait"}
   */
  whenFull?: WhenFull;
}

/** Options of a {@linkcode ThreadPool}. */
export interface ThreadPoolOptions {
  /**
   * Absolute URL of the module whose exported functions are the jobs. Without
   * it the pool runs inline jobs only. It is to start: one that throws stops the
   * pool, and one that waits for ever at its top is waited for.
   */
  module?: URL | string;
  /**
   * The number of workers, which start when there is work for them.
   *
   * @default {navigator.hardwareConcurrency}
   */
  size?: number;
  /**
   * - `"thread"`: each worker is a thread of this process.
   * - `"process"`: each worker is a Deno process of its own: it can always be
   *   stopped, runs out of memory alone, and holds its `permissions` without an
   *   unstable flag, so that it can run what nobody vouches for. Values are
   *   copied, and what {@linkcode transfer} names is gone here all the same;
   *   connections, shared memory, ports, keys and WebAssembly modules cannot go
   *   there. The program needs `--allow-run` for Deno's own path.
   *
   * @default {"thread"}
   */
  isolation?: Isolation;
  /**
   * Flags of `deno run` for workers that are processes, such as
   * `--import-map=PATH` or `--cached-only`: nothing tells a program its own. A
   * process uses the `deno.json` beside the program's main module, or above it,
   * unless they name another one.
   */
  execArgv?: readonly string[];
  /**
   * How many asynchronous jobs one worker may have in progress at once: while one
   * waits for I/O, others go on. A job that computes has its worker to itself. A
   * crash rejects all that are in progress on its worker. At most 65 536.
   *
   * @default {1}
   */
  concurrency?: number;
  /** The limit of the queue; without it, the queue is unbounded. */
  queue?: QueueOptions;
  /**
   * How many ms a job may execute, unless its own options say otherwise; see
   * {@linkcode ExecuteOptions.timeout}.
   *
   * @default {Infinity}
   */
  timeout?: number;
  /**
   * How many ms a running job has to end by itself, once it was aborted or has
   * timed out and its `currentJob().signal` has fired. Then its worker is stopped
   * and replaced; with `Infinity`, never.
   *
   * @default {50}
   */
  abortGrace?: number;
  /**
   * A worker is replaced after that many jobs; 1 isolates jobs from each other.
   *
   * @default {Infinity}
   */
  maxJobsPerWorker?: number;
  /**
   * A worker whose heap is above so many MiB when it has ended a job is replaced.
   *
   * @default {Infinity}
   */
  maxHeapPerWorker?: number;
  /**
   * Whether a running job can be stopped from outside even in a synchronous loop,
   * wherever that is. Without it, `timeout` stops the synchronous part of a job,
   * but a thread that loops after an `await`, in a timer or on an abort can only be
   * left alone. Another worker starts if it is needed, and the worker takes jobs
   * again when it comes back; {@linkcode PoolStats.lost} counts such threads.
   *
   * Such a worker takes about 5 MiB more and three times as long to start. It
   * rests on an effect of Deno's that is checked when the first one starts; where
   * it is missing, the pool stops with {@linkcode WorkerStartError}.
   *
   * One kind of loop goes on all the same: V8 compiles one that calls nothing but
   * certain built-ins, such as `for (;;) x = new Array(1000).fill(0)`, without a
   * place where it could be stopped, unless the program runs with
   * `--v8-flags=--no-turboshaft`.
   *
   * @default {false}
   */
  hardKill?: boolean;
  /**
   * MiB, at least 16, to which a worker's heap may grow; implies `hardKill`. The
   * job that exceeds it rejects with {@linkcode MemoryLimitError}, and its worker
   * is replaced.
   *
   * In a thread it is for mistakes, such as a list that grows without end, and not
   * for hostile code: **one allocation far beyond the limit ends the whole program**,
   * a string of 200 MB for example. Buffers are outside of the heap, and a loop that
   * cannot be stopped, see `hardKill`, grows beyond the limit.
   *
   * In a process it holds whatever a job does. On Linux buffers count as well, with
   * up to 64 MiB more for the process itself.
   */
  memoryLimit?: number;
  /**
   * The Deno permissions of the workers: a sandbox for the jobs. It is a part of
   * those that the program has; of an object, what it leaves out is denied. At a
   * terminal, Deno asks its user when a job in a thread wants more, unless the
   * program runs with `--no-prompt`. Together with `hardKill` or `memoryLimit` it
   * needs `isolation: "process"`.
   *
   * In a process, `"inherit"` means the kinds that the program has without
   * exception: what is in its own lists is to be named. Without `import` a process
   * loads nothing from the network, so that what its module needs is to be cached.
   *
   * In a thread, Deno ends the **whole program** with exit code 70, and there is no way to know
   * that beforehand, unless it runs with `--unstable-worker-options` or its
   * `deno.json` has `"unstable": ["worker-options"]`.
   *
   * The pool's module and what it imports by names that stand in its source, JSON
   * files included, are loaded with the program's own permissions.
   *
   * @default {"inherit"}
   */
  permissions?: PermissionOptions;
  /**
   * How a `Deno.Conn` moves. `"bytes"`: main reads and writes the socket, and
   * its bytes move, which is the faster way for short connections and holds for
   * all kinds of them. `"descriptor"`: the worker gets the TCP socket itself, so
   * that a long stream runs at full speed even while main is busy. That takes
   * two file descriptors and a private API of Deno's; where it is missing, and
   * for TLS and unix sockets, bytes move.
   *
   * @default {"bytes"}
   */
  connections?: ConnectionsMode;
  /**
   * Append the stack of `execute()`'s caller to the stack of a job's error, a
   * timeout's among them, for about 1.4 µs and 260 bytes a job.
   *
   * @default {false}
   */
  callerStack?: boolean;
  /**
   * Prefix of the workers' names.
   *
   * @default {"spindle"}
   */
  name?: string;
  /** Terminates the pool when it aborts, with the signal's reason. */
  signal?: AbortSignal;
}

/** Options of one call of {@linkcode ThreadPool.execute}. */
export interface ExecuteOptions {
  /**
   * Aborts the job. In the queue it leaves at once; while it runs, its promise
   * rejects at once and `currentJob().signal` fires in the worker. If the handler
   * has not ended after {@linkcode ThreadPoolOptions.abortGrace}, its worker is
   * stopped and replaced.
   */
  signal?: AbortSignal;
  /**
   * How many ms the job may execute, from its start, waiting included. Then its
   * promise rejects with {@linkcode JobTimeoutError}, whatever it does: a loop,
   * or anything synchronous, is stopped and the worker goes on, unless it is one
   * of `hardKill`; of anything else it is told as of an abort.
   *
   * @default {the pool's own}
   */
  timeout?: number;
  /**
   * What moves to the worker instead of being cloned, as for `postMessage`;
   * see also {@linkcode transfer}.
   */
  transfer?: readonly Transferable[];
}

/** Options of the methods that wait. */
export interface WaitOptions {
  /**
   * Ends the wait: the method's promise rejects with the signal's reason. What
   * it waits for goes on.
   */
  signal?: AbortSignal;
}

/** What the workers of a pool may do; the same as `Deno.PermissionOptions`. */
export type PermissionOptions = "inherit" | "none" | {
  /** Read files: of any, of none, or of these paths. */
  read?: "inherit" | boolean | (string | URL)[];
  /** Write files. */
  write?: "inherit" | boolean | (string | URL)[];
  /** Use the network: any host, none, or these. */
  net?: "inherit" | boolean | string[];
  /** Read and change environment variables. */
  env?: "inherit" | boolean | string[];
  /** Run programs. */
  run?: "inherit" | boolean | (string | URL)[];
  /** Load native libraries. */
  ffi?: "inherit" | boolean | (string | URL)[];
  /** Import from these hosts. */
  import?: "inherit" | boolean | string[];
  /** Ask for what the system is. */
  sys?: "inherit" | boolean | string[];
};
