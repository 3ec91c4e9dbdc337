// The options of a pool as it holds them: checked, and complete with the
// defaults.

import { expected, nearest, outOfRange, written } from "../expected.ts";
import {
  type ConnectionsMode,
  type ExecuteOptions,
  type Isolation,
  PERMISSIONS,
  type ThreadPoolOptions,
  type WhenFull,
} from "../options.ts";

/** The options of a pool as the pool holds them: complete and checked. */
export interface PoolSettings {
  module: string | undefined;
  size: number;
  isolation: Isolation;
  execArgv: readonly string[];
  concurrency: number;
  connections: ConnectionsMode;
  capacity: number;
  whenFull: WhenFull;
  timeout: number;
  abortGrace: number;
  maxJobsPerWorker: number;
  maxHeapPerWorker: number;
  hardKill: boolean;
  memoryLimit: number | undefined;
  permissions: Deno.PermissionOptions | undefined;
  callerStack: boolean;
  name: string;
  signal: AbortSignal | undefined;
}

const POOL_OPTIONS = [
  "module",
  "size",
  "isolation",
  "execArgv",
  "concurrency",
  "queue",
  "connections",
  "timeout",
  "abortGrace",
  "maxJobsPerWorker",
  "maxHeapPerWorker",
  "hardKill",
  "memoryLimit",
  "permissions",
  "callerStack",
  "name",
  "signal",
];
const LATER_POOL_OPTIONS = ["idleTimeout"];
const QUEUE_OPTIONS = ["capacity", "whenFull"];
/** What other pools call options of this one. */
const OTHER_NAMES: Record<string, string> = {
  abortSignal: "signal",
  concurrentTasksPerWorker: "concurrency",
  filename: "module",
  file: "module",
  maxMemory: "memoryLimit",
  maxQueue: "queue.capacity",
  maxThreads: "size",
  maxWorkers: "size",
  numThreads: "size",
  poolSize: "size",
  queueSize: "queue.capacity",
  script: "module",
  threads: "size",
  transferList: "transfer",
  url: "module",
  workers: "size",
};
const EXECUTE_OPTIONS = ["signal", "timeout", "transfer"];
const LATER_EXECUTE_OPTIONS = ["priority", "key"];
const WHEN_FULL = ["wait", "reject", "discard-oldest", "caller-runs"] as const;
const ISOLATIONS = ["thread", "process"] as const;
const CONNECTIONS = ["bytes", "descriptor"] as const;
/** Each has a place in the memory that a worker shares with main. */
const MOST_CONCURRENT = 2 ** 16;
/** How many ms a job has to end, once it was told to. */
const GRACE = 50;
/** The longest time that a timer can be set for, in ms. */
const LONGEST = 2 ** 31 - 1;
/** A worker with a smaller heap, in MiB, does not even start. */
const SMALLEST_HEAP = 16;

/** How many ms, and MiB, units are that people write. */
const MS = {
  ms: 1,
  s: 1_000,
  sec: 1_000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
};
const MIB = { m: 1, mb: 1, mib: 1, g: 1024, gb: 1024, gib: 1024 };

/** Checks a pool's options and fills in the defaults. */
export function poolSettings(
  options: number | ThreadPoolOptions | undefined,
): PoolSettings {
  if (typeof options === "number") options = { size: options };
  if (options === undefined) options = {};
  if (typeof options === "string" || options instanceof URL) {
    throw expected(
      "options",
      "a number or an object",
      options,
      adviceFor(options),
    );
  }
  checkNames("", options, POOL_OPTIONS, LATER_POOL_OPTIONS, EXECUTE_OPTIONS);
  const { queue = {}, name = "spindle", signal, memoryLimit } = options;
  if (typeof queue === "number" || typeof queue === "string") {
    const key = typeof queue === "number" ? "capacity" : "whenFull";
    const advice = `queue: { ${key}: ${written(queue)} }`;
    throw expected("queue", "an object", queue, advice);
  }
  checkNames("queue", queue, QUEUE_OPTIONS, []);
  if (typeof name !== "string") throw expected("name", "a string", name);
  checkSignal(signal);
  const isolation = checkIsolation(options.isolation);
  const settings: PoolSettings = {
    module: moduleUrl(options.module),
    size: checkSize(options.size),
    isolation,
    execArgv: checkExecArgv(options.execArgv),
    concurrency: checkConcurrency(options.concurrency),
    connections: checkOneOf("connections", options.connections, CONNECTIONS),
    capacity: checkCapacity(queue.capacity),
    whenFull: checkOneOf("queue.whenFull", queue.whenFull, WHEN_FULL),
    timeout: checkMs("timeout", options.timeout, "above 0") ?? Infinity,
    abortGrace: checkMs("abortGrace", options.abortGrace, "of at least 0") ??
      GRACE,
    maxJobsPerWorker: checkMaxJobs(options.maxJobsPerWorker),
    maxHeapPerWorker: checkHeap("maxHeapPerWorker", options.maxHeapPerWorker) ??
      Infinity,
    hardKill: checkBoolean("hardKill", options.hardKill) ||
      memoryLimit !== undefined,
    memoryLimit: checkHeap("memoryLimit", memoryLimit),
    permissions: checkPermissions(options.permissions),
    callerStack: checkBoolean("callerStack", options.callerStack),
    name,
    signal,
  };
  if (settings.whenFull === "caller-runs") checkCallerRuns(options);
  if (isolation === "process") checkProcess(options, settings);
  else checkThread(options, settings);
  return settings;
}

/** Checks the options of one call. */
export function checkExecuteOptions(
  options: ExecuteOptions,
  { whenFull }: PoolSettings,
): void {
  if (options instanceof AbortSignal) {
    throw expected("options", "an object", options, "{ signal }");
  }
  checkNames(
    "options",
    options,
    EXECUTE_OPTIONS,
    LATER_EXECUTE_OPTIONS,
    POOL_OPTIONS,
  );
  checkSignal(options.signal);
  const { transfer, timeout } = options;
  if (transfer !== undefined && !Array.isArray(transfer)) {
    const isOne = typeof transfer === "object" && transfer !== null;
    const advice = isOne ? "transfer: [value]" : undefined;
    throw expected("transfer", "an array", transfer, advice);
  }
  if (timeout === undefined) return;
  checkMs("timeout", timeout, "above 0");
  if (whenFull === "caller-runs") throw unkept("timeout");
}

function checkIsolation(isolation: unknown): Isolation {
  if (isolation !== "none") {
    return checkOneOf("isolation", isolation, ISOLATIONS);
  }
  throw new TypeError(
    'Option `isolation` as "none" is not available in this version',
  );
}

/** Flags that are the pool's to give. */
const OWN_FLAGS =
  /^--(allow|deny|ignore)-|^--(permission-set|no-prompt|inspect|watch|env-file)/;

function checkExecArgv(flags: unknown): readonly string[] {
  if (flags === undefined) return [];
  if (!Array.isArray(flags)) throw expected("execArgv", "an array", flags);
  for (const flag of flags) {
    if (typeof flag !== "string" || !flag.startsWith("--") || flag === "--") {
      throw expected(
        "execArgv",
        'flags such as "--name" or "--name=value"',
        flag,
      );
    }
    if (OWN_FLAGS.test(flag)) {
      throw new TypeError(
        `Option \`execArgv\` holds "${flag}": what a worker may do is the pool's to say, see \`permissions\``,
      );
    }
  }
  return [...flags];
}

function checkProcess(
  { connections }: ThreadPoolOptions,
  settings: PoolSettings,
): void {
  if (connections !== undefined) {
    throw new TypeError(
      'Option `connections` means nothing where `isolation` is "process": connections do not move there',
    );
  }
  // It can be killed as it is.
  settings.hardKill = false;
}

function checkThread(
  { execArgv, hardKill, memoryLimit }: ThreadPoolOptions,
  { permissions }: PoolSettings,
): void {
  const needing = execArgv !== undefined
    ? "Option `execArgv` is"
    : permissions === undefined
    ? undefined
    : memoryLimit !== undefined
    ? "Options `permissions` and `memoryLimit` together are"
    : hardKill
    ? "Options `permissions` and `hardKill` together are"
    : undefined;
  if (needing === undefined) return;
  throw new TypeError(
    `${needing} for workers that are processes: set \`isolation\` to "process"`,
  );
}

/** Nothing protects a caller from what it runs itself. */
function checkCallerRuns(options: ThreadPoolOptions): void {
  const { isolation, timeout, hardKill, memoryLimit, permissions } = options;
  if (isolation === "process") throw unkept("isolation");
  if (timeout !== undefined) throw unkept("timeout");
  if (hardKill) throw unkept("hardKill");
  if (memoryLimit !== undefined) throw unkept("memoryLimit");
  if (permissions !== undefined) throw unkept("permissions");
}

function unkept(name: string): TypeError {
  return new TypeError(
    `Option \`${name}\` cannot be kept where the caller runs jobs: \`queue.whenFull\` is "caller-runs"`,
  );
}

function checkNames(
  name: string,
  options: object,
  known: readonly string[],
  later: string[],
  others: string[] = [],
): void {
  if (
    typeof options !== "object" || options === null || Array.isArray(options)
  ) {
    throw expected(name || "options", "an object", options);
  }
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || known.includes(key)) continue;
    const path = name === "" || name === "options" ? key : `${name}.${key}`;
    if (later.includes(key)) {
      throw new TypeError(
        `Option \`${path}\` is not available in this version`,
      );
    }
    const why = whyUnknown(key, value, known, others) ??
      `expected one of ${known.join(", ")}`;
    throw new TypeError(`Unknown option \`${path}\`: ${why}`);
  }
}

/** What is known of an option that is not. */
function whyUnknown(
  key: string,
  value: unknown,
  known: readonly string[],
  others: string[],
): string | undefined {
  if (others.includes(key)) {
    const place = known === POOL_OPTIONS ? "of `execute()`" : "of the pool";
    return `it is an option ${place}`;
  }
  if (known === POOL_OPTIONS && QUEUE_OPTIONS.includes(key)) {
    return `write queue: { ${key}: ${written(value)} }`;
  }
  const other = Object.hasOwn(OTHER_NAMES, key) ? OTHER_NAMES[key] : undefined;
  const isKnown = other !== undefined && known.includes(other.split(".")[0]);
  const meant = isKnown ? other : nearest(key, known);
  return meant === undefined ? undefined : `did you mean \`${meant}\`?`;
}

/** What to write instead of options that are only one of them. */
function adviceFor(options: string | URL): string {
  const count = Number(options);
  return typeof options === "string" && options.trim() !== "" && count >= 0
    ? `new ThreadPool(${count})`
    : "new ThreadPool({ module: … })";
}

/** What a text that is meant as a number of ms or MiB stands for, if that is clear. */
function adviceForNumber(
  name: string,
  value: unknown,
  units: Record<string, number>,
): string | undefined {
  const match = typeof value === "string" &&
    /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value);
  if (!match) return undefined;
  const unit = match[2].toLowerCase();
  const factor = unit === "" ? 1 : Object.hasOwn(units, unit) && units[unit];
  if (!factor) return undefined;
  const [option, inner] = name.split(".");
  const count = Number(match[1]) * factor;
  return inner === undefined
    ? `${option}: ${count}`
    : `${option}: { ${inner}: ${count} }`;
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
  if (typeof value !== "number") {
    throw expected(name, "a number", value, adviceForNumber(name, value, {}));
  }
  if (!Number.isSafeInteger(value) || value < 1) {
    throw outOfRange(name, "an integer of at least 1", value);
  }
  return value;
}

function checkConcurrency(concurrency: unknown): number {
  const count = checkCount("concurrency", concurrency, 1);
  if (count > MOST_CONCURRENT) {
    throw outOfRange(
      "concurrency",
      `an integer of at most ${MOST_CONCURRENT}`,
      count,
    );
  }
  return count;
}

function checkOneOf<Value extends string>(
  name: string,
  value: unknown,
  values: readonly [Value, ...Value[]],
): Value {
  if (value === undefined) return values[0];
  if (values.includes(value as Value)) return value as Value;
  const what = values.map((value) => `"${value}"`).join(" or ");
  throw typeof value === "string"
    ? outOfRange(name, what, value)
    : expected(name, what, value);
}

function checkBoolean(name: string, value: unknown): boolean {
  if (value === undefined) return false;
  if (typeof value !== "boolean") throw expected(name, "a boolean", value);
  return value;
}

function checkMs(
  name: string,
  ms: unknown,
  least: "above 0" | "of at least 0",
): number | undefined {
  if (ms === undefined || ms === Infinity) return ms;
  if (typeof ms !== "number") {
    const advice = adviceForNumber(name, ms, MS);
    throw expected(name, "a number of ms", ms, advice);
  }
  const isEnough = least === "above 0" ? ms > 0 : ms >= 0;
  if (!(isEnough && ms <= LONGEST)) {
    throw outOfRange(
      name,
      `a number of ms ${least} and at most ${LONGEST}, or Infinity`,
      ms,
    );
  }
  return ms;
}

function checkMaxJobs(count: unknown): number {
  return count === Infinity
    ? count
    : checkCount("maxJobsPerWorker", count, Infinity);
}

function checkHeap(name: string, heap: unknown): number | undefined {
  if (heap === undefined) return undefined;
  if (typeof heap !== "number") {
    const advice = adviceForNumber(name, heap, MIB);
    throw expected(name, "a number of MiB", heap, advice);
  }
  if (!(heap >= SMALLEST_HEAP && heap < Infinity)) {
    throw outOfRange(
      name,
      `a number of MiB of at least ${SMALLEST_HEAP}`,
      heap,
    );
  }
  return heap;
}

function checkPermissions(
  permissions: unknown,
): Deno.PermissionOptions | undefined {
  // To inherit all is what happens without the option, and asks for no flag.
  if (permissions === undefined || permissions === "inherit") return undefined;
  if (permissions === "none") return permissions;
  if (typeof permissions === "string") {
    throw outOfRange(
      "permissions",
      '"inherit", "none" or an object',
      permissions,
    );
  }
  if (
    typeof permissions !== "object" || permissions === null ||
    Array.isArray(permissions)
  ) {
    const what = '"inherit", "none" or an object';
    const advice = typeof permissions === "boolean"
      ? `permissions: "${permissions ? "inherit" : "none"}"`
      : undefined;
    throw expected("permissions", what, permissions, advice);
  }
  checkNames("permissions", permissions, PERMISSIONS, []);
  for (const [kind, value] of Object.entries(permissions)) {
    const isKnown = value === undefined || typeof value === "boolean" ||
      value === "inherit" ||
      Array.isArray(value) &&
        value.every((item) => typeof item === "string" || item instanceof URL);
    if (isKnown) continue;
    throw expected(
      `permissions.${kind}`,
      'a boolean, "inherit" or an array of strings',
      value,
      typeof value === "string"
        ? `permissions: { ${kind}: [${written(value)}] }`
        : undefined,
    );
  }
  return permissions as Deno.PermissionOptions;
}

function checkCapacity(capacity: unknown): number {
  if (capacity === undefined) return Infinity;
  if (typeof capacity !== "number") {
    const advice = adviceForNumber("queue.capacity", capacity, {});
    throw expected("queue.capacity", "a number", capacity, advice);
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

function moduleUrl(module: unknown): string | undefined {
  if (module === undefined) return undefined;
  if (!(module instanceof URL) && typeof module !== "string") {
    throw expected("module", "an absolute URL", module);
  }
  if (typeof module === "string") {
    const advice = adviceForModule(module);
    if (advice) throw expected("module", "an absolute URL", module, advice);
  }
  return String(module);
}

/** What to write instead of a path, which is no URL. */
function adviceForModule(module: string): string | undefined {
  // A drive would pass for the scheme of a URL.
  if (/^[a-z]:/i.test(module)) {
    const url = new URL("file:");
    url.pathname = module.replaceAll("\\", "/");
    return `a file: URL, ${written(url.href)}`;
  }
  if (URL.canParse(module)) return undefined;
  return `new URL(${written(module)}, import.meta.url)`;
}

function checkSignal(signal: unknown): void {
  if (signal === undefined || signal instanceof AbortSignal) return;
  const advice = signal instanceof AbortController
    ? "signal: controller.signal"
    : undefined;
  throw expected("signal", "an AbortSignal", signal, advice);
}
