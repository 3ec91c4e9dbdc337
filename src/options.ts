// The options of a pool and of a call: what they mean, and what is refused.

import { expected, outOfRange } from "./expected.ts";

/** What happens to a job that finds the queue full. */
export type WhenFull = "wait" | "reject";

/** How a connection moves into a job. */
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
   * `"wait"`: {@linkcode ThreadPool.ready} tells when there is room, and
   * `execute()` accepts always; `"reject"`: `execute()` rejects with
   * {@linkcode QueueFullError}.
   *
   * @default {"wait"}
   */
  whenFull?: WhenFull;
}

/** Options of a {@linkcode ThreadPool}. */
export interface ThreadPoolOptions {
  /**
   * Absolute URL of the module whose exported functions are the jobs. Without
   * it the pool runs inline jobs only.
   */
  module?: URL | string;
  /**
   * The number of workers, which start when there is work for them.
   *
   * @default {navigator.hardwareConcurrency}
   */
  size?: number;
  /**
   * How many asynchronous jobs one worker may have in progress at once: while one
   * waits for I/O, others go on. A job that computes has its worker to itself. A
   * crash rejects all that are in progress on its worker.
   *
   * @default {1}
   */
  concurrency?: number;
  /** The limit of the queue; without it, the queue is unbounded. */
  queue?: QueueOptions;
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
   * Append the stack of `execute()`'s caller to the stack of a job's error,
   * for about 1.4 µs and 260 bytes a job.
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
   * rejects at once, `currentJob().signal` fires in the worker, and what the
   * handler still does is ignored.
   */
  signal?: AbortSignal;
  /**
   * What moves to the worker instead of being cloned, as for `postMessage`;
   * see also {@linkcode transfer}.
   */
  transfer?: readonly Transferable[];
}

/** The options of a pool as the pool holds them: complete and checked. */
export interface PoolSettings {
  module: string | undefined;
  size: number;
  concurrency: number;
  connections: ConnectionsMode;
  capacity: number;
  whenFull: WhenFull;
  callerStack: boolean;
  name: string;
  signal: AbortSignal | undefined;
}

const POOL_OPTIONS = [
  "module",
  "size",
  "concurrency",
  "queue",
  "connections",
  "callerStack",
  "name",
  "signal",
];
const LATER_POOL_OPTIONS = [
  "idleTimeout",
  "timeout",
  "maxJobsPerWorker",
  "hardKill",
  "memoryLimit",
  "permissions",
];
const EXECUTE_OPTIONS = ["signal", "transfer"];
const LATER_EXECUTE_OPTIONS = ["timeout", "priority", "key"];

/** Checks a pool's options and fills in the defaults. */
export function poolSettings(
  options: number | ThreadPoolOptions | undefined,
): PoolSettings {
  if (typeof options === "number") options = { size: options };
  if (options === undefined) options = {};
  checkNames("", options, POOL_OPTIONS, LATER_POOL_OPTIONS);
  const { queue = {}, callerStack = false, name = "spindle", signal } = options;
  checkNames("queue", queue, ["capacity", "whenFull"], []);
  if (typeof callerStack !== "boolean") {
    throw expected("callerStack", "a boolean", callerStack);
  }
  if (typeof name !== "string") throw expected("name", "a string", name);
  checkSignal(signal);
  return {
    module: moduleUrl(options.module),
    size: checkSize(options.size),
    concurrency: checkCount("concurrency", options.concurrency, 1),
    connections: checkConnections(options.connections),
    capacity: checkCapacity(queue.capacity),
    whenFull: checkWhenFull(queue.whenFull),
    callerStack,
    name,
    signal,
  };
}

/** Checks the options of one call. */
export function checkExecuteOptions(options: ExecuteOptions): void {
  checkNames("options", options, EXECUTE_OPTIONS, LATER_EXECUTE_OPTIONS);
  checkSignal(options.signal);
  const { transfer } = options;
  if (transfer !== undefined && !Array.isArray(transfer)) {
    throw expected("transfer", "an array", transfer);
  }
}

function checkNames(
  name: string,
  options: object,
  known: string[],
  later: string[],
): void {
  if (
    typeof options !== "object" || options === null || Array.isArray(options)
  ) {
    throw expected(name || "options", "an object", options);
  }
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || known.includes(key)) continue;
    const path = name === "" || name === "options" ? key : `${name}.${key}`;
    throw new TypeError(
      later.includes(key)
        ? `Option \`${path}\` is not available in this version`
        : `Unknown option \`${path}\`: expected one of ${known.join(", ")}`,
    );
  }
}

function checkSize(size: unknown): number {
  if (size === undefined) return navigator.hardwareConcurrency;
  if (typeof size === "object" && size !== null) {
    throw new TypeError(
      "Option `size` as an object is not available in this version: expected a number",
    );
  }
  return checkCount("size", size, 1);
}

function checkCount(name: string, value: unknown, byDefault: number): number {
  if (value === undefined) return byDefault;
  if (typeof value !== "number") throw expected(name, "a number", value);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw outOfRange(name, "an integer of at least 1", value);
  }
  return value;
}

function checkConnections(connections: unknown): ConnectionsMode {
  if (connections === undefined) return "bytes";
  if (connections === "bytes" || connections === "descriptor") {
    return connections;
  }
  const what = '"bytes" or "descriptor"';
  throw typeof connections === "string"
    ? outOfRange("connections", what, connections)
    : expected("connections", what, connections);
}

function checkCapacity(capacity: unknown): number {
  if (capacity === undefined) return Infinity;
  if (typeof capacity !== "number") {
    throw expected("queue.capacity", "a number", capacity);
  }
  if (
    !(capacity === Infinity || Number.isSafeInteger(capacity) && capacity >= 0)
  ) {
    throw outOfRange(
      "queue.capacity",
      "an integer of at least 0, or Infinity",
      capacity,
    );
  }
  return capacity;
}

function checkWhenFull(whenFull: unknown): WhenFull {
  if (whenFull === undefined) return "wait";
  if (whenFull === "wait" || whenFull === "reject") return whenFull;
  if (whenFull === "discard-oldest" || whenFull === "caller-runs") {
    throw new TypeError(
      `Option \`queue.whenFull\`: "${whenFull}" is not available in this version`,
    );
  }
  if (typeof whenFull !== "string") {
    throw expected("queue.whenFull", '"wait" or "reject"', whenFull);
  }
  throw outOfRange("queue.whenFull", '"wait" or "reject"', whenFull);
}

function moduleUrl(module: unknown): string | undefined {
  if (module === undefined) return undefined;
  if (!(module instanceof URL) && typeof module !== "string") {
    throw expected("module", "an absolute URL", module);
  }
  if (!URL.canParse(module)) {
    throw new TypeError(
      `Expected \`module\` to be an absolute URL, got "${module}": write new URL("${module}", import.meta.url)`,
    );
  }
  return String(module);
}

function checkSignal(signal: unknown): void {
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw expected("signal", "an AbortSignal", signal);
  }
}
