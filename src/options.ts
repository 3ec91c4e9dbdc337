// Types of the options of a pool and of its methods.

/**
 * What happens to a job when the queue is full, see
 * {@linkcode QueueOptions.whenFull}.
 */
export type WhenFull = "wait" | "reject" | "discard-oldest" | "caller-runs";

/**
 * How workers are isolated from the program, see
 * {@linkcode ThreadPoolOptions.isolation}.
 */
export type Isolation = "thread" | "process" | "none";

/**
 * How a connection moves into a job, see {@linkcode ThreadPoolOptions.connections}.
 *
 * In both modes, a connection arrives with its own type: `Deno.TcpConn`,
 * `Deno.UnixConn` or `Deno.TlsConn`. It differs from a native connection by design:
 *
 * - It belongs to the job and closes when the job ends. When the job is aborted,
 *   reads reject with `Deno.errors.Interrupted`, and so do writes that wait for the
 *   client. The handler can still write 1 MiB, so it can answer.
 * - The end of `readable` leaves the connection open for writing, and
 *   `writable.close()` leaves it open for reading. Natively, both close it.
 * - `ref()` and `unref()` have no effect: the job keeps the process alive.
 * - `setNoDelay()` and `setKeepAlive()` take effect a moment later.
 * - In `"bytes"` mode, `write()` resolves once the bytes are on their way, at most
 *   1 MiB ahead of the client. So only a later write reports that the client has
 *   disconnected. `close()` still sends what was written before, unless the client
 *   reads nothing for two minutes.
 */
export type ConnectionsMode = "bytes" | "descriptor";

/** Options of a pool's queue. */
export interface QueueOptions {
  /**
   * Maximum number of jobs that wait in addition to the jobs that the workers can
   * accept at once. A waiting job takes about 350 bytes, plus its arguments.
   *
   * @default {Infinity}
   */
  capacity?: number;
  /**
   * What happens to a job when the queue is full.
   *
   * - `"wait"`: `execute()` always accepts, and {@linkcode ThreadPool.ready} waits
   *   for room.
   * - `"reject"`: the job rejects with {@linkcode QueueFullError}.
   * - `"discard-oldest"`: of the jobs with the lowest priority, the job that has
   *   waited longest is discarded and rejects with {@linkcode JobDiscardedError}. If
   *   no job waits, or all waiting jobs have a higher priority, the new job rejects
   *   with {@linkcode QueueFullError}.
   * - `"caller-runs"`: the job runs in the thread that called `execute()`, which
   *   slows that thread down. Its arguments and result are cloned or moved, as in a
   *   worker. Nothing protects the thread from the job, so `timeout` (also of a
   *   call), `hardKill`, `memoryLimit`, `permissions`, `workerData` and
   *   `isolation: "process"` are refused.
   *
   * @default {"wait"}
   */
  whenFull?: WhenFull;
}

/** Number of workers of an elastic pool. */
export interface PoolSize {
  /**
   * Number of workers that start at once, before there are jobs for them, and do
   * not stop. A worker that is about to be replaced, see
   * {@linkcode ThreadPoolOptions.maxJobsPerWorker}, has a spare that starts ahead.
   *
   * @default {0}
   */
  min?: number;
  /**
   * Maximum number of workers that run jobs. Workers beyond `min` start when jobs
   * need them, and stop when they were not needed for
   * {@linkcode ThreadPoolOptions.idleTimeout}.
   */
  max: number;
}

/** Options of a {@linkcode ThreadPool}. */
export interface ThreadPoolOptions {
  /**
   * Absolute URL of the module whose exported functions are the jobs. Without it,
   * the pool runs inline jobs only.
   *
   * The module must load successfully: if it throws, the pool stops. The pool waits
   * for a top-level `await`, however long it takes. It can be the module that makes
   * the pool, which then uses the pool only under `if (import.meta.main)`, or in jobs.
   */
  module?: URL | string;
  /**
   * Number of workers. They start when there are jobs for them, and do not stop.
   * For an elastic pool, give the minimum and maximum as `{ min, max }`, see
   * {@linkcode PoolSize}.
   *
   * @default {navigator.hardwareConcurrency}
   */
  size?: number | PoolSize;
  /**
   * Time in ms for which an elastic pool keeps workers that it does not need. If
   * two workers share the work of one, one of the two stops as well. Refused if
   * `size` is a number.
   *
   * @default {30_000}
   */
  idleTimeout?: number;
  /**
   * Value that every worker receives, including replacements. In the worker,
   * `workerData()` returns it, from the module's first line on. The pool clones the
   * value once at construction, and again for each worker; a `SharedArrayBuffer` is
   * shared. A value that cannot be cloned, or that only one job can own, such as a
   * connection or a stream, is refused with {@linkcode JobCloneError}. Refused with
   * `whenFull: "caller-runs"`.
   */
  workerData?: unknown;
  /**
   * How workers are isolated from the program.
   *
   * - `"thread"`: each worker is a thread of this process.
   * - `"process"`: each worker is a Deno process, so it can run untrusted code. A
   *   process can always be stopped, can run out of memory without harm to others,
   *   and has its own `permissions` without an unstable flag. Values are copied;
   *   {@linkcode transfer} still detaches buffers in the sender. Connections, shared
   *   memory, ports, keys and WebAssembly modules cannot go to a process. A process
   *   has no `location`, and `--watch` does not watch the `module`. The program needs
   *   `--allow-run` for Deno's own path.
   * - `"none"`: there are no workers, for tests of code that uses a pool. The thread
   *   that created the pool runs the jobs, with the same semantics: arguments and
   *   results are cloned or moved, and errors, limits, events, statistics and order
   *   are the same. `size` times `concurrency` jobs are in progress at once. Times
   *   come from `Date` and `setTimeout`, so a test that replaces these controls when
   *   a job times out. Nothing protects the thread: a synchronous job that runs too
   *   long rejects only when it returns, a job that ignores its abort continues, an
   *   uncaught error is an uncaught error of the program, and `Deno.exit()` ends the
   *   program. `hardKill`, `memoryLimit`, `maxHeapPerWorker` and `permissions` are
   *   refused. The `module` is loaded once in the program, so its state is shared
   *   with all code that imports it. `onStop()` callbacks that it registers at its
   *   top level run when the first worker ends.
   *
   * @default {"thread"}
   */
  isolation?: Isolation;
  /**
   * Flags of `deno run` for workers that are processes, such as `--import-map=PATH`
   * or `--cached-only`. A program cannot read its own flags, so list here the flags
   * that its jobs need. Unless a flag names another configuration, a process uses
   * the `deno.json` in the folder of the program's main module or above it. If
   * there is only a `package.json`, put a `deno.json` with `{}` next to it. Refused
   * without `isolation: "process"`.
   */
  execArgv?: readonly string[];
  /**
   * Maximum number of asynchronous jobs in progress on one worker: while one job
   * waits for I/O, others continue. While a job computes, the other jobs of its
   * worker wait. If a worker crashes, all its jobs in progress reject. At most
   * 65 536.
   *
   * @default {1}
   */
  concurrency?: number;
  /** Options of the queue. Without them, the queue is unbounded. */
  queue?: QueueOptions;
  /**
   * Maximum time in ms that a job runs, unless the call has its own timeout, see
   * {@linkcode ExecuteOptions.timeout}.
   *
   * @default {Infinity}
   */
  timeout?: number;
  /**
   * Time in ms that a job has to end by itself after it was aborted or timed out
   * and its `currentJob().signal` has fired. After that, its worker is stopped and
   * replaced; with `Infinity`, never.
   *
   * @default {50}
   */
  abortGrace?: number;
  /**
   * Time in ms that a worker has for its `onStop()` callbacks; `close()` waits for
   * them. After that, the worker is stopped and the pool dispatches `workererror`.
   * Meanwhile the worker counts as a thread of the pool, so keep the time short if
   * you do not trust the jobs.
   *
   * @default {5_000}
   */
  stopGrace?: number;
  /**
   * Number of jobs after which a worker is replaced. 1 isolates jobs from each
   * other.
   *
   * @default {Infinity}
   */
  maxJobsPerWorker?: number;
  /**
   * Heap size in MiB above which a worker is replaced when its jobs have ended. The
   * heap is checked when a job ends, at most every 50 ms. At least 16.
   *
   * @default {Infinity}
   */
  maxHeapPerWorker?: number;
  /**
   * Whether a running job can be stopped from outside at any point, even in a
   * synchronous loop.
   *
   * Without it, `timeout` stops the synchronous part of a job, but an abort does not.
   * A thread that loops then, after an `await`, in a timer or in an abort listener,
   * can only be left alone. Another worker starts if needed, and the thread accepts
   * jobs again if its job ends. {@linkcode PoolStats.lost} counts such threads.
   *
   * A worker with `hardKill` takes about 5 MiB more memory and three times as long
   * to start. It relies on a feature of Deno that the pool checks when the first
   * worker starts. If the feature is missing, the pool stops with
   * {@linkcode WorkerStartError}.
   *
   * One kind of loop still cannot be stopped: V8 leaves out interrupt checks in
   * loops that call nothing but certain built-ins, such as
   * `for (;;) x = new Array(1000).fill(0)`, unless the program runs with
   * `--v8-flags=--no-turboshaft`.
   *
   * @default {false}
   */
  hardKill?: boolean;
  /**
   * Maximum heap size of a worker in MiB; at least 16. Implies `hardKill`. A job
   * that needs more rejects with {@linkcode MemoryLimitError}, and its worker is
   * replaced.
   *
   * In a thread, this protects against mistakes, such as a list that grows without
   * end, not against hostile code: **one allocation far beyond the limit ends the
   * whole program**, such as a string of 200 MB. Buffers are outside the heap, and
   * a loop that cannot be stopped, see `hardKill`, grows beyond the limit.
   *
   * In a process, the limit always holds. On Linux, buffers count as well, with up
   * to 64 MiB more for the process itself. Data that arrives at once from a process
   * can hold a sixteenth of the limit in strings and objects, which take more memory
   * in the program than in the process. Bytes do not have this limit.
   */
  memoryLimit?: number;
  /**
   * Permissions of the workers: a sandbox for the jobs. They must be a subset of
   * the program's own permissions. An object denies every permission that it omits.
   *
   * In a thread, the program must run with `--unstable-worker-options`, or its
   * `deno.json` must have `"unstable": ["worker-options"]`. Otherwise Deno ends the
   * **whole program** with exit code 70, and the pool cannot detect this. At a
   * terminal, Deno prompts the user when a job needs more permissions, unless the
   * program runs with `--no-prompt`. Refused together with `hardKill` or
   * `memoryLimit`: use `isolation: "process"`.
   *
   * In a process, `"inherit"` grants each kind of permission that the program has
   * without restrictions. If the program has only a list, such as some paths, name
   * its entries here. Without `import`, a process loads nothing from the network,
   * so the dependencies of its module must be cached.
   *
   * The module loads with the program's own permissions. So do its imports with
   * literal names, including JSON files.
   *
   * @default {"inherit"}
   */
  permissions?: PermissionOptions;
  /**
   * How a `Deno.Conn` moves into a job.
   *
   * - `"bytes"`: the main thread reads and writes the socket and moves its bytes.
   *   This is faster for short connections and works for all kinds of connections.
   * - `"descriptor"`: the worker gets the TCP socket itself, so a long stream runs
   *   at full speed even while the main thread is busy. This takes two file
   *   descriptors and a private API of Deno. If the API is missing, and for TLS and
   *   Unix sockets, bytes move instead.
   *
   * Refused with `isolation: "process"`, because connections cannot go to a
   * process.
   *
   * @experimental `"descriptor"` relies on a private API and can change or be removed.
   * @default {"bytes"}
   */
  connections?: ConnectionsMode;
  /**
   * Whether to append the stack of the caller of `execute()` to the stack of a
   * job's error, including timeouts. Takes about 1.4 µs and 260 bytes per job.
   *
   * @default {false}
   */
  callerStack?: boolean;
  /**
   * Whether `stats()` has statistics for each job name, see
   * {@linkcode PoolStats.byName}. Takes less than 0.1 µs per job, and a few KiB per
   * name.
   *
   * @default {false}
   */
  statsByName?: boolean;
  /**
   * Prefix of the workers' names.
   *
   * @default {"spindle"}
   */
  name?: string;
  /**
   * Signal that terminates the pool when it aborts, with the signal's reason. While
   * the pool listens to a signal of `AbortSignal.timeout()`, Deno keeps the program
   * running, even if the pool has nothing to do: end the pool if you no longer need
   * it.
   */
  signal?: AbortSignal;
}

/** Options of {@linkcode ThreadPool.execute}. */
export interface ExecuteOptions {
  /**
   * Signal that aborts the job. A job in the queue is removed at once. If the job
   * is running, its promise rejects at once and `currentJob().signal` fires in the
   * worker. If the handler has not ended after
   * {@linkcode ThreadPoolOptions.abortGrace}, its worker is stopped and replaced, or
   * left alone if it computes, see {@linkcode ThreadPoolOptions.hardKill}. A handler
   * in a process can still start right after the abort, if the job was already on
   * its way.
   */
  signal?: AbortSignal;
  /**
   * Maximum time in ms that the job runs, counted from its start: time that it
   * waits for I/O counts, time in the queue does not. Then its promise rejects with
   * {@linkcode JobTimeoutError}. A loop or other synchronous code is interrupted,
   * and the worker continues; with `hardKill`, the worker is replaced instead. A
   * job that waits for something ends as on abort.
   *
   * @default {the pool's `timeout`}
   */
  timeout?: number;
  /**
   * Objects that move to the worker instead of being cloned, as for
   * `postMessage()`. {@linkcode transfer} does the same for a single value.
   */
  transfer?: readonly Transferable[];
  /**
   * Integer from -100 to 100. Jobs with a higher priority start first; jobs with
   * the same priority start in the order of their calls, with these details:
   *
   * - **No job starves**: each level counts as 10 seconds of waiting. A job of
   *   priority 1 starts before jobs of priority 0 that were submitted up to 10
   *   seconds earlier, and after jobs that were submitted before that.
   * - **Sent jobs**: a job goes before jobs of a lower priority that were sent
   *   ahead to a worker and have not started. A running job is never interrupted.
   * - **A free worker**: while jobs of a higher priority arrive, and for one second
   *   after the last, slow jobs leave one worker free for them, if there are at
   *   least two workers. Slow jobs are jobs that take more than 5 ms on average,
   *   and jobs of functions that have not run yet. Short jobs of the same priority
   *   pass the slow jobs.
   *
   * If the queue is full and discards jobs, the oldest job of the lowest priority
   * is discarded. A job whose priority is lower than that of all waiting jobs is
   * refused.
   *
   * @default {0}
   */
  priority?: number;
  /**
   * Key of the job. Jobs with the same key run one at a time, in the order of the
   * calls, regardless of their priority. A string or a number; `1` and `"1"` are
   * two keys.
   *
   * The next job of a key starts once the promise of the previous job has settled
   * and no worker has that job any more: an aborted job has `abortGrace` to end. If
   * its thread cannot be stopped, see {@linkcode PoolStats.lost}, the next job
   * starts although that thread is still running.
   *
   * The jobs of a key go to the worker that had the last one, so state that the
   * module keeps is warm. This is not guaranteed: the key moves if that worker is
   * busy with a long job, has more to do than another worker, which is free, or is
   * replaced. New keys go to the worker that is free first. The pool remembers the
   * workers of at least the last 1 000 keys without jobs.
   *
   * A job that waits for another job of its own key waits forever.
   */
  key?: string | number;
  /**
   * Callback for the values that the handler passes to
   * `currentJob().report(value)`. It runs in a separate microtask. If values arrive
   * faster than this thread checks, the callback gets only the latest value, at
   * most about fifty times per second. The last value before the job's end arrives
   * before the promise settles, and no value arrives after that. An error in the
   * callback harms no job, but is an uncaught error: it ends the program unless a
   * global `error` listener handles it.
   */
  onProgress?: (value: unknown) => void;
}

/** Options of {@linkcode ThreadPool.stream}. */
export interface StreamOptions extends ExecuteOptions {
  /**
   * Maximum number of values that the generator yields ahead of the reader. There
   * is a second limit: values of at most 1 MiB altogether are in flight, or 2 MiB
   * of bytes, plus one value. With 1, the generator continues only when its last
   * value has been read.
   *
   * @default {4096}
   */
  window?: number;
}

/** What happens to errors in a map, see {@linkcode MapOptions.onError}. */
export type OnError = "throw" | "collect";

/**
 * Options of {@linkcode ThreadPool.map} and {@linkcode ThreadPool.transform}.
 *
 * @typeParam Mode What happens to errors
 */
export interface MapOptions<Mode extends OnError = OnError> {
  /**
   * Maximum number of items that are pulled from the source and whose results you
   * have not read yet.
   *
   * By default, two items for each job that can run at once. If items take far less
   * than a millisecond, the default is as many items as keep the workers busy. In
   * any case, the map pulls nothing while items and results hold more than 16 MiB,
   * except that each job that can run at once has one item.
   */
  window?: number;
  /**
   * Whether results come in the order of their items. With `false`, each result
   * comes as soon as it is available.
   *
   * @default {true}
   */
  ordered?: boolean;
  /**
   * What happens when the job fails for an item.
   *
   * - `"throw"`: the map pulls no more items, and aborts the items after the failed
   *   one. Results before it can still be read; then the loop throws the error.
   * - `"collect"`: the map continues, and each result has the form of
   *   `Promise.allSettled()`: `{ status: "fulfilled", value }` or
   *   `{ status: "rejected", reason }`. Errors of the source, and the end of the
   *   pool, still end the loop.
   *
   * @default {"throw"}
   */
  onError?: Mode;
  /**
   * Signal that ends the map: the loop throws the signal's reason, and running jobs
   * are aborted.
   */
  signal?: AbortSignal;
  /**
   * Maximum time in ms that the job runs for one item, see
   * {@linkcode ExecuteOptions.timeout}.
   *
   * @default {the pool's `timeout`}
   */
  timeout?: number;
  /**
   * Priority of the jobs, see {@linkcode ExecuteOptions.priority}.
   *
   * @default {0}
   */
  priority?: number;
}

/**
 * Options of the methods that wait: `start()`, `ready()`, `drain()`, `close()` and
 * `terminate()`, and of `ready()` of a sender.
 */
export interface WaitOptions {
  /**
   * Signal that ends the wait, which rejects with the signal's reason. The pool
   * continues.
   */
  signal?: AbortSignal;
}

/**
 * Permissions of workers, see {@linkcode ThreadPoolOptions.permissions}. Same as
 * `Deno.PermissionOptions`.
 */
export type PermissionOptions = "inherit" | "none" | {
  /** Read files: all, or these paths. */
  read?: "inherit" | boolean | (string | URL)[];
  /** Write files: all, or these paths. */
  write?: "inherit" | boolean | (string | URL)[];
  /** Use the network: all of it, or these hosts. */
  net?: "inherit" | boolean | string[];
  /** Use environment variables: all, or these. */
  env?: "inherit" | boolean | string[];
  /** Run programs: all, or these. */
  run?: "inherit" | boolean | (string | URL)[];
  /** Load native libraries: all, or these paths. */
  ffi?: "inherit" | boolean | (string | URL)[];
  /** Import from the network: from all hosts, or from these. */
  import?: "inherit" | boolean | string[];
  /** Read facts about the system: all, or these kinds. */
  sys?: "inherit" | boolean | string[];
};
