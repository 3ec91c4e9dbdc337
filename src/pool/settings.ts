// Checks the options of a pool and of its methods: their names, their values,
// their defaults, and which options exclude each other.

import { expected, outOfRange, written } from "../expected.ts";
import type {
  ExecuteOptions,
  MapOptions,
  PermissionOptions,
  PoolSize,
  StreamOptions,
  ThreadPoolOptions,
  WaitOptions,
} from "../options.ts";
import type { Limits } from "../dispatch/sizing.ts";
import type { PoolStats, StatsOptions } from "../job/stats.ts";
import { PERMISSIONS } from "../process/permissions.ts";
import { GLOBAL_CLOCK, REAL_CLOCK } from "../values/clock.ts";
import {
  absoluteUrl,
  anything,
  ascending,
  asOption,
  boolean,
  callback,
  type Check,
  flags,
  grant,
  isObject,
  key,
  number,
  oneOf,
  signal,
  string,
  transferables,
} from "./checks.ts";
import { checkTogether } from "./together.ts";
import { meantBy } from "./unknown_option.ts";
import { copyForWorkers } from "./worker_data.ts";

/** Maximum time in ms for a timer. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const timeout = number({
  of: "ms",
  above: 0,
  most: MAX_TIMER_MS,
  orInfinity: true,
});
/** Minimum heap: a worker with a smaller heap does not even start. */
const HEAP = { of: "MiB", least: 16 } as const;

const oneSize = number({ least: 1 });
const HARDWARE: Limits = {
  min: undefined,
  max: navigator.hardwareConcurrency,
};
/** Check of an option, and its default. */
type Option = readonly [check: Check<unknown>, byDefault?: unknown];

const QUEUE = {
  capacity: [number({ least: 0, orInfinity: true }), Infinity],
  whenFull: [oneOf("wait", "reject", "discard-oldest", "caller-runs"), "wait"],
} as const;

const POOL = {
  module: [absoluteUrl],
  size: [poolLimits],
  // No default, because a pool of a fixed size must not have this option.
  idleTimeout: [number({ of: "ms", most: MAX_TIMER_MS, orInfinity: true })],
  workerData: [anything],
  isolation: [oneOf("thread", "process", "none"), "thread"],
  execArgv: [flags],
  // Each job in progress has a slot in memory that a worker shares with main.
  concurrency: [number({ least: 1, most: 2 ** 16 }), 1],
  queue: [queue, { capacity: Infinity, whenFull: "wait" }],
  connections: [oneOf("bytes", "descriptor")],
  timeout: [timeout, Infinity],
  abortGrace: [number({ of: "ms", most: MAX_TIMER_MS, orInfinity: true }), 50],
  stopGrace: [number({ of: "ms", most: MAX_TIMER_MS }), 5_000],
  maxJobsPerWorker: [number({ least: 1, orInfinity: true }), Infinity],
  maxHeapPerWorker: [number({ ...HEAP, orInfinity: true }), Infinity],
  hardKill: [boolean, false],
  memoryLimit: [number(HEAP)],
  permissions: [permissions],
  callerStack: [boolean, false],
  statsByName: [boolean, false],
  name: [string, "spindle"],
  signal: [signal],
} as const satisfies Record<keyof ThreadPoolOptions, Option>;

const SIZE = {
  min: [number({ least: 0 }), 0],
  max: [number({ least: 1 })],
} as const;

/** Default `idleTimeout`, in ms. */
const IDLE_TIMEOUT = 30_000;

const priority = number({ above: -101, least: -100, most: 100 });

const EXECUTE = {
  signal: [signal],
  timeout: [timeout],
  transfer: [transferables],
  onProgress: [callback],
  priority: [priority],
  key: [key],
} as const satisfies Record<keyof ExecuteOptions, Option>;

const STREAM = {
  ...EXECUTE,
  window: [number({ least: 1 }), 4096],
} as const satisfies Record<keyof StreamOptions, Option>;

const MAP = {
  window: [number({ least: 1 })],
  ordered: [boolean, true],
  onError: [oneOf("throw", "collect"), "throw"],
  signal: [signal],
  timeout: [timeout],
  priority: [priority],
} as const satisfies Record<keyof MapOptions, Option>;

const WAIT = { signal: [signal] } as const;

const STATS = {
  since: [anything],
  buckets: [ascending],
} as const satisfies Record<keyof StatsOptions, Option>;

const PERMISSION = Object.fromEntries(
  PERMISSIONS.map((kind) => [kind, [grant] as const]),
);

/** Type of the options that a table has checked. */
type Checked<Table extends Record<string, Option>> = {
  [Name in keyof Table]:
    | ReturnType<Table[Name][0]>
    | (Table[Name] extends readonly [unknown, infer Default] ? Default
      : undefined);
};

/** Options of a pool, checked and complete. */
export type PoolSettings = ReturnType<typeof poolSettings>;

/** Checks a pool's options and fills in the defaults. */
export function poolSettings(options: number | ThreadPoolOptions = {}) {
  if (typeof options === "string" || options instanceof URL) {
    const isCount = /^\s*\d+\s*$/.test(String(options));
    const advice = `new ThreadPool(${isCount ? +options : "{ module: … }"})`;
    throw expected("options", "a number or an object", options, advice);
  }
  const { queue, size: limits = HARDWARE, ...settings } = checked(
    POOL,
    typeof options === "number" ? { size: options } : options,
  );
  checkTogether({ ...settings, ...queue, limits });
  const { execArgv = [], idleTimeout = IDLE_TIMEOUT } = settings;
  const { memoryLimit, isolation } = settings;
  const workerData = copyForWorkers(
    settings.workerData,
    isolation === "process",
  );
  // A process can always be killed.
  const hardKill = isolation === "thread" &&
    (settings.hardKill || memoryLimit !== undefined);
  const onCallerThread = isolation === "none";
  const clock = onCallerThread ? GLOBAL_CLOCK : REAL_CLOCK;
  const complete = { limits, idleTimeout, workerData, execArgv, hardKill };
  return {
    ...settings,
    ...queue,
    ...complete,
    onCallerThread,
    clock,
    now: clock.now,
  };
}

/** Checks the new size of a pool. */
export function resizeSettings(size: number | PoolSize): Limits {
  if (size === undefined) throw expected("size", "a number or an object", size);
  return poolLimits("size", size);
}

export const executeSettings = ofCall(EXECUTE);

export const streamSettings = ofCall(STREAM);

export const mapSettings = ofCall(MAP);

/** Returns a check for the options of a call, which the pool's options can exclude. */
function ofCall<Table extends Record<string, Option>>(table: Table) {
  return (
    options: object = {},
    { whenFull }: PoolSettings,
  ): Checked<Table> => {
    const settings = checked(table, options);
    const { timeout } = settings as { timeout?: number };
    if (timeout !== undefined) checkTogether({ whenFull, timeout });
    return settings;
  };
}

/** Checks the options of a method that waits. */
export function waitSettings(options: WaitOptions): Checked<typeof WAIT> {
  return checked(WAIT, options);
}

/** Checks the options of `stats()`; the meter checks that `since` is its snapshot. */
export function statsSettings(options: StatsOptions): StatsOptions {
  const { since, buckets } = checked(STATS, options);
  return { since: since as PoolStats | undefined, buckets };
}

/** Checks options one by one, and fills in the defaults. */
function checked<Table extends Record<string, Option>>(
  table: Table,
  options: object,
  name = "options",
): Checked<Table> {
  if (!isObject(options) || options instanceof AbortSignal) {
    const isSignal = options instanceof AbortSignal;
    throw expected(name, "an object", options, isSignal && "{ signal }");
  }
  const path = name === "options" ? "" : `${name}.`;
  const given = options as Record<string, unknown>;
  for (const key of Object.keys(given)) {
    const value = Object.hasOwn(table, key) ? undefined : given[key];
    if (value === undefined) continue;
    const why = whyUnknown(key, value, table);
    throw new TypeError(`Unknown option \`${path}${key}\`: ${why}`);
  }
  const settings: Record<string, unknown> = {};
  for (const key of Object.keys(table)) {
    const [check, byDefault] = table[key];
    const value = given[key];
    const setting = value === undefined ? byDefault : check(path + key, value);
    if (setting !== undefined) settings[key] = setting;
  }
  return settings as Checked<Table>;
}

/** Returns advice for an unknown option. */
function whyUnknown(
  key: string,
  value: unknown,
  table: Record<string, Option>,
): string {
  if (table === POOL && Object.hasOwn(QUEUE, key)) {
    return `write ${asOption(`queue.${key}`, written(value))}`;
  }
  if (table === WAIT && key === "timeout") {
    return "write `signal: AbortSignal.timeout(ms)`";
  }
  if (table !== POOL && Object.hasOwn(POOL, key)) {
    return "it is an option of the pool";
  }
  if (table === MAP && key === "transfer") {
    return "mark what moves of each item, as in `transfer(item)`";
  }
  if (Object.hasOwn(EXECUTE, key)) return "it is an option of `execute()`";
  const names = Object.keys(table);
  const meant = meantBy(key, names);
  return meant === undefined
    ? `expected one of ${names.join(", ")}`
    : `did you mean \`${meant}\`?`;
}

function poolLimits(name: string, value: unknown): Limits {
  if (!isObject(value)) return { min: undefined, max: oneSize(name, value) };
  const { min, max } = checked(SIZE, value, name);
  if (max === undefined) throw expected(`${name}.max`, "a number", max);
  if (min <= max) return { min, max };
  throw outOfRange(`${name}.min`, `at most \`${name}.max\`, ${max}`, min);
}

function queue(name: string, value: unknown): Checked<typeof QUEUE> {
  if (typeof value === "number" || typeof value === "string") {
    const option = typeof value === "number" ? "capacity" : "whenFull";
    const advice = asOption(`${name}.${option}`, written(value));
    throw expected(name, "an object", value, advice);
  }
  return checked(QUEUE, value as object, name);
}

function permissions(
  name: string,
  value: unknown,
): PermissionOptions | undefined {
  // `"inherit"` is the same as no option, and needs no unstable flag.
  if (value === "inherit") return undefined;
  if (value === "none") return value;
  if (isObject(value)) return checked(PERMISSION, value, name);
  const what = '"inherit", "none" or an object';
  if (typeof value === "string") throw outOfRange(name, what, value);
  const advice = asOption(name, value ? '"inherit"' : '"none"');
  throw expected(name, what, value, typeof value === "boolean" && advice);
}
