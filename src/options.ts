// The options of a pool and of its methods, and what they mean.

/** What happens to a job that finds the queue full, see {@linkcode QueueOptions.whenFull}. */
export type WhenFull = "wait" | "reject" | "discard-oldest" | "caller-runs";

/** What separates workers from the program, see {@linkcode ThreadPoolOptions.isolation}. */
export type Isolation = "thread" | "process" | "none";

/**
 * How a connection moves into a job, see {@linkcode ThreadPoolOptions.connections}.
 *
 * In both ways it arrives as what it was: a `Deno.TcpConn`, `Deno.UnixConn` or
 * `Deno.TlsConn`. It differs from a native connection by design:
 *
 * - It belongs to the job and closes when the job ends. When the job is aborted,
 *   reads reject with `Deno.errors.Interrupted`, and so do writes that wait for the
 *   client. A MiB can still be written, so that the handler can answer.
 * - The end of `readable` leaves the connection open for writing, and
 *   `writable.close()` leaves it open for reading. Natively, both close it.
 * - `ref()` and `unref()` have no effect: the job keeps the process alive.
 * - `setNoDelay()` and `setKeepAlive()` take effect a moment later.
 * - As `"bytes"`, `write()` resolves once the bytes are on their way, at most
 *   1 MiB ahead of the client. So a later write reports that the client has left,
 *   and `close()` still sends what was written before, unless the client takes
 *   nothing for two minutes.
 */
export type ConnectionsMode = "bytes" | "descriptor";

/** Options of a pool's queue. */
export interface QueueOptions {
  /**
   * How many jobs may wait in addition to those that the workers can take at
   * once. A waiting job takes about 350 bytes, plus its arguments.
   *
   * @default {Infinity}
   */
  capacity?: number;
  /**
   * What happens to a job that finds the queue full.
   *
   * - `"wait"`: `execute()` always accepts, and {@linkcode ThreadPool.ready} waits
   *   for room.
   * - `"reject"`: the job rejects with {@linkcode QueueFullError}.
   * - `"discard-oldest"`: of the jobs of the lowest priority, the one that has waited
   *   longest makes room and rejects with {@linkcode JobDiscardedError}. If none
   *   waits, or all that wait have a higher priority, the new job rejects with
   *   {@linkcode QueueFullError}.
   * - `"caller-runs"`: the job runs in the thread that called `execute()`, which
   *   slows that thread down. Its arguments and result are cloned, or move, as in
   *   a worker. Nothing protects the thread from the job, so `timeout`, also of a call,
   *   `hardKill`, `memoryLimit`, `permissions`, `workerData` and
   *   `isolation: "process"` are refused.
   *
   * @default {"wait"}
   */
  whenFull?: WhenFull;
}

/** How many workers an elastic pool has. */
export interface PoolSize {
  /**
   * The number of workers that start at once, before there is work for them, and do
   * not stop. A worker that is about to be replaced, see
   * {@linkcode ThreadPoolOptions.maxJobsPerWorker}, has a spare that starts ahead.
   *
   * @default {0}
   */
  min?: number;
  /**
   * The most workers that run jobs. More than `min` start when jobs need them, and stop
   * when they were not needed for {@linkcode ThreadPoolOptions.idleTimeout}.
   */
  max: number;
}

/** Options of a {@linkcode ThreadPool}. */
export interface ThreadPoolOptions {
  /**
   * The absolute URL of the module whose exported functions are the jobs. Without
   * it, the pool runs inline jobs only.
   *
   * The module must load successfully: if it throws, the pool stops. A top-level
   * `await` that never ends is waited for.
   */
  module?: URL | string;
  /**
   * The number of workers, which start when there is work for them, and do not stop;
   * or, as `{ min, max }`, the fewest and the most of an elastic pool, see
   * {@linkcode PoolSize}.
   *
   * @default {navigator.hardwareConcurrency}
   */
  size?: number | PoolSize;
  /**
   * How many milliseconds an elastic pool keeps more workers than it needs. Of two
   * workers that share the work of one, one stops as well. Refused where `size` is a
   * number.
   *
   * @default {30_000}
   */
  idleTimeout?: number;
  /**
   * What every worker is given, replacements included: in the worker `workerData()`
   * returns it, from the module's first line on. It is cloned here, once, and again
   * for each worker; a `SharedArrayBuffer` is shared. What cannot be cloned, or can be
   * had by one job only, such as a connection or a stream, is refused with
   * {@linkcode JobCloneError}. Refused with `whenFull: "caller-runs"`.
   */
  workerData?: unknown;
  /**
   * What separates workers from the program.
   *
   * - `"thread"`: each worker is a thread of this process.
   * - `"process"`: each worker is a Deno process. It can always be stopped, runs
   *   out of memory alone, and has its own `permissions` without an unstable flag,
   *   so it can run code that you do not trust. Values are copied; what
   *   {@linkcode transfer} names is still detached here. Connections, shared
   *   memory, ports, keys and WebAssembly modules cannot go there. There is no
   *   `location` there, and `--watch` does not see the `module`. The program needs
   *   `--allow-run` for Deno's own path.
   * - `"none"`: there are no workers, for tests of code that uses a pool. The thread
   *   that made the pool runs the jobs, with the same meaning: arguments and results
   *   are cloned or move, and errors, limits, events, numbers and order are the same;
   *   `size` times `concurrency` jobs are in progress at once. Times are those of
   *   `Date` and `setTimeout`, so a test that replaces these decides when a job times
   *   out. Nothing protects the thread: a synchronous job that runs too long rejects
   *   only when it returns, one that does not end though it was told to goes on, an
   *   error that nobody catches is the program's, and `Deno.exit()` ends it.
   *   `hardKill`, `memoryLimit`, `maxHeapPerWorker` and `permissions` are refused. The
   *   `module` is loaded once in the program, so its state is shared with whatever
   *   else imports it, and what it gives to `onStop()` at its top runs with the end
   *   of the first worker.
   *
   * @default {"thread"}
   */
  isolation?: Isolation;
  /**
   * Flags of `deno run` for workers that are processes, such as
   * `--import-map=PATH` or `--cached-only`. A program cannot learn its own flags,
   * so name here what its jobs need. Unless a flag names another one, a process
   * uses the `deno.json` beside or above the program's main module; where there is
   * only a `package.json`, put a `deno.json` with `{}` beside it. Refused without
   * `isolation: "process"`.
   */
  execArgv?: readonly string[];
  /**
   * How many asynchronous jobs one worker may have in progress: while one waits
   * for I/O, others go on. A job that computes has its worker to itself. If a
   * worker crashes, all its jobs in progress reject. At most 65 536.
   *
   * @default {1}
   */
  concurrency?: number;
  /** Options of the queue. Without them, it is unbounded. */
  queue?: QueueOptions;
  /**
   * How many milliseconds a job may run, unless its own options say otherwise,
   * see {@linkcode ExecuteOptions.timeout}.
   *
   * @default {Infinity}
   */
  timeout?: number;
  /**
   * How many milliseconds a job has to end by itself after it was aborted or has
   * timed out, and its `currentJob().signal` has fired. Then its worker is stopped
   * and replaced; with `Infinity`, never.
   *
   * @default {50}
   */
  abortGrace?: number;
  /**
   * How many milliseconds a worker has for the callbacks of `onStop()`, and `close()`
   * waits for them. Then it is stopped, and `workererror` tells of that. Meanwhile it
   * counts as a thread of the pool, so make it short where you do not trust the jobs.
   *
   * @default {5_000}
   */
  stopGrace?: number;
  /**
   * After how many jobs a worker is replaced. 1 isolates jobs from each other.
   *
   * @default {Infinity}
   */
  maxJobsPerWorker?: number;
  /**
   * A worker whose heap is larger than this, in MiB, is replaced when its jobs have
   * ended. The heap is looked at when a job ends, every 50 ms at most. At least 16.
   *
   * @default {Infinity}
   */
  maxHeapPerWorker?: number;
  /**
   * Whether a running job can be stopped from outside wherever it is, even in a
   * synchronous loop.
   *
   * Without it, `timeout` stops the synchronous part of a job, but a thread that
   * loops after an `await`, in a timer or on an abort can only be left alone.
   * Another worker starts if it is needed, and the thread takes jobs again when it
   * comes back; {@linkcode PoolStats.lost} counts such threads.
   *
   * Such a worker takes about 5 MiB more and three times as long to start. It
   * relies on a feature of Deno that the pool checks when the first one starts;
   * where it is missing, the pool stops with {@linkcode WorkerStartError}.
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
   * The most, in MiB, that a worker's heap may grow to; at least 16. Implies
   * `hardKill`. A job that needs more rejects with {@linkcode MemoryLimitError},
   * and its worker is replaced.
   *
   * In a thread this is for mistakes, such as a list that grows without end, not
   * for hostile code: **one allocation far beyond the limit ends the whole
   * program**, such as a string of 200 MB. Buffers are outside of the heap, and a
   * loop that cannot be stopped, see `hardKill`, grows beyond the limit.
   *
   * In a process it holds whatever a job does. On Linux buffers count as well, with
   * up to 64 MiB more for the process itself. What comes back at once may hold a
   * sixteenth of the limit in texts and objects, which take more memory here than there;
   * bytes are not limited so.
   */
  memoryLimit?: number;
  /**
   * The permissions of the workers: a sandbox for the jobs. They must be a part of
   * the program's own. In an object, what it leaves out is denied.
   *
   * In a thread, the program must run with `--unstable-worker-options`, or its
   * `deno.json` must have `"unstable": ["worker-options"]`. Otherwise Deno ends the
   * **whole program** with exit code 70, and the pool cannot detect this. At a
   * terminal, Deno asks the user when a job wants more, unless the program runs
   * with `--no-prompt`. Together with `hardKill` or `memoryLimit` it is refused: use
   * `isolation: "process"`.
   *
   * In a process, `"inherit"` gives the kinds that the program has without
   * exception; name what is in the program's own lists. Without `import` a process
   * loads nothing from the network, so what its module needs must be cached.
   *
   * The module and what it imports by literal names, JSON files included, load with
   * the program's own permissions.
   *
   * @default {"inherit"}
   */
  permissions?: PermissionOptions;
  /**
   * How a `Deno.Conn` moves into a job.
   *
   * - `"bytes"`: the main thread reads and writes the socket and moves its bytes.
   *   This is faster for short connections and works for all kinds of them.
   * - `"descriptor"`: the worker gets the TCP socket itself, so a long stream runs
   *   at full speed even while the main thread is busy. This takes two file
   *   descriptors and a private API of Deno. Where that is missing, and for TLS and
   *   Unix sockets, bytes move instead.
   *
   * Refused with `isolation: "process"`, where connections cannot go.
   *
   * @experimental `"descriptor"` relies on a private API and may change or go.
   * @default {"bytes"}
   */
  connections?: ConnectionsMode;
  /**
   * Whether to append the stack of `execute()`'s caller to the stack of a job's
   * error, including timeouts. Takes about 1.4 µs and 260 bytes a job.
   *
   * @default {false}
   */
  callerStack?: boolean;
  /**
   * Whether `stats()` tells the jobs of each name apart, see
   * {@linkcode PoolStats.byName}. Takes less than 0.1 µs a job, and some KiB a name.
   *
   * @default {false}
   */
  statsByName?: boolean;
  /**
   * The prefix of the workers' names.
   *
   * @default {"spindle"}
   */
  name?: string;
  /** Terminates the pool when it aborts, with the signal's reason. */
  signal?: AbortSignal;
}

/** Options of {@linkcode ThreadPool.execute}. */
export interface ExecuteOptions {
  /**
   * Aborts the job. In the queue, the job is removed at once. While it runs, its
   * promise rejects at once and `currentJob().signal` fires in the worker. If the
   * handler has not ended after {@linkcode ThreadPoolOptions.abortGrace}, its
   * worker is stopped and replaced.
   */
  signal?: AbortSignal;
  /**
   * How many milliseconds the job may run, from its start, including time that it
   * waits for I/O, but not time in the queue. Then its promise rejects with
   * {@linkcode JobTimeoutError}. A loop, or anything else synchronous, is cut off, and
   * the worker goes on; with `hardKill` the worker is replaced instead. A job that
   * waits for something ends as on abort.
   *
   * @default {the pool's `timeout`}
   */
  timeout?: number;
  /**
   * What moves to the worker instead of being cloned, as for `postMessage()`.
   * {@linkcode transfer} does the same for a single value.
   */
  transfer?: readonly Transferable[];
  /**
   * An integer from -100 to 100: jobs of a higher priority start first, and within
   * one priority the first come (but see below).
   *
   * - **Nothing starves**: each level counts as 10 seconds of waiting. A job of
   *   priority 1 starts before jobs of priority 0 that came up to 10 seconds before
   *   it, and after those that came earlier.
   * - **Already sent**: a job goes before jobs of a lower priority that were sent
   *   ahead to a worker and have not started. A job that runs is never interrupted.
   * - **A worker is kept free**: while jobs of a higher priority come, and for one
   *   second after the last, jobs that take more than 5 ms on average, and those of
   *   functions that have not run yet, leave one worker free for them, if there are
   *   at least two. Short jobs of the same priority pass those.
   *
   * If the queue is full and discards, the oldest job of the lowest priority goes; a
   * job with a lower priority than all that wait is refused.
   *
   * @default {0}
   */
  priority?: number;
  /**
   * Jobs of one key run one at a time, in the order of the calls, whatever their
   * priority. A string or a number; `1` and `"1"` are two keys.
   *
   * The next job of a key starts once the promise of the one before has settled and no
   * worker has that job any more: an aborted job has `abortGrace` to end. If its
   * thread cannot be stopped, see {@linkcode PoolStats.lost}, the next job starts
   * although that thread still runs.
   *
   * The jobs of a key go to the worker that had the last one, so state that its
   * module keeps is warm. This is not a promise: the key moves when that worker is
   * busy with something long, or has more to do than another that is free, or is
   * replaced. New keys go to whichever worker is free first. The pool remembers the
   * workers of at least the last 1 000 keys without jobs.
   *
   * A job that waits for another job of its own key waits forever.
   */
  key?: string | number;
  /**
   * Is called with what the handler gives to `currentJob().report(value)`, in a
   * microtask of its own. Where values come faster than this thread looks, it gets
   * the latest one, about fifty times a second at most. The last value before the
   * job's end comes before the promise settles; after that, none comes. What it
   * throws harms no job, but is an uncaught error: it ends the program unless somebody
   * handles the global `error` event.
   */
  onProgress?: (value: unknown) => void;
}

/** Options of {@linkcode ThreadPool.stream}. */
export interface StreamOptions extends ExecuteOptions {
  /**
   * The most values that the generator yields ahead of the reader. There is a second
   * limit: values of at most 1 MiB altogether are on their way, or 2 MiB of bytes, and
   * one more. With 1, the generator goes on only when its last value is taken.
   *
   * @default {4096}
   */
  window?: number;
}

/** What becomes of errors in a map, see {@linkcode MapOptions.onError}. */
export type OnError = "throw" | "collect";

/**
 * Options of {@linkcode ThreadPool.map} and {@linkcode ThreadPool.transform}.
 *
 * @typeParam Mode What becomes of errors
 */
export interface MapOptions<Mode extends OnError = OnError> {
  /**
   * The most items that are pulled from the source and whose results you have not
   * read yet.
   *
   * By default, two for each job that can run at once, and where items take far
   * less than a millisecond, as many as keep the workers busy. In any case, no more
   * is pulled while items and results hold more than 16 MiB, except that each job that
   * can run at once has one.
   */
  window?: number;
  /**
   * Whether results come in the order of their items. With `false`, they come when
   * they are there.
   *
   * @default {true}
   */
  ordered?: boolean;
  /**
   * What happens when the job fails for an item.
   *
   * - `"throw"`: nothing more is pulled, and the items after it are aborted. Results
   *   before it can still be read; then the loop throws the error.
   * - `"collect"`: the map goes on, and each result is what `Promise.allSettled()`
   *   gives: `{ status: "fulfilled", value }` or `{ status: "rejected", reason }`.
   *   Errors of the source, and the end of the pool, still end the loop.
   *
   * @default {"throw"}
   */
  onError?: Mode;
  /** Ends the map: the loop throws the signal's reason, and what runs is aborted. */
  signal?: AbortSignal;
  /**
   * How many milliseconds the job may run for one item, see
   * {@linkcode ExecuteOptions.timeout}.
   *
   * @default {the pool's `timeout`}
   */
  timeout?: number;
  /**
   * The priority of the jobs, see {@linkcode ExecuteOptions.priority}.
   *
   * @default {0}
   */
  priority?: number;
}

/** Options of the methods that wait. */
export interface WaitOptions {
  /** Ends the wait, which rejects with the signal's reason. The pool goes on. */
  signal?: AbortSignal;
}

/**
 * What workers may do, see {@linkcode ThreadPoolOptions.permissions}. The same as
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
