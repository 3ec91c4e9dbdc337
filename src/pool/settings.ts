// The options of a pool and of its methods: which there are, what each may be,
// what it is without being given, and which exclude each other.

import { expected, outOfRange, written } from "../expected.ts";
import type {
  ExecuteOptions,
  PermissionOptions,
  ThreadPoolOptions,
  WaitOptions,
} from "../options.ts";
import { PERMISSIONS } from "../process/permission_kinds.ts";
import {
  absoluteUrl,
  asOption,
  boolean,
  type Check,
  flags,
  grant,
  key,
  later,
  number,
  oneOf,
  signal,
  string,
  transferables,
} from "./checks.ts";
import { meantBy } from "./unknown_option.ts";

/** The longest time, in ms, that a timer can be set for. */
const LONGEST = 2 ** 31 - 1;
const timeout = number({ of: "ms", above: 0, most: LONGEST, orInfinity: true });
/** A worker with a smaller heap does not even start. */
const HEAP = { of: "MiB", least: 16 } as const;

const unbuilt = later();
/** What an option may be, and what it is if it is left out. */
type Option = readonly [check: Check<unknown>, byDefault?: unknown];

const QUEUE = {
  capacity: [number({ least: 0, orInfinity: true }), Infinity],
  whenFull: [oneOf("wait", "reject", "discard-oldest", "caller-runs"), "wait"],
} as const;

const POOL = {
  module: [absoluteUrl],
  size: [later(isObject, number({ least: 1 }))],
  idleTimeout: [unbuilt],
  isolation: [
    later((value) => value === "none", oneOf("thread", "process")),
    "thread",
  ],
  execArgv: [flags],
  // Each job in progress has a place in the memory that a worker shares with main.
  concurrency: [number({ least: 1, most: 2 ** 16 }), 1],
  queue: [queue, { capacity: Infinity, whenFull: "wait" }],
  connections: [oneOf("bytes", "descriptor")],
  timeout: [timeout, Infinity],
  abortGrace: [number({ of: "ms", most: LONGEST, orInfinity: true }), 50],
  maxJobsPerWorker: [number({ least: 1, orInfinity: true }), Infinity],
  maxHeapPerWorker: [number({ ...HEAP, orInfinity: true }), Infinity],
  hardKill: [boolean, false],
  memoryLimit: [number(HEAP)],
  permissions: [permissions],
  callerStack: [boolean, false],
  name: [string, "spindle"],
  signal: [signal],
} as const satisfies Record<keyof ThreadPoolOptions | "idleTimeout", Option>;

const EXECUTE = {
  signal: [signal],
  timeout: [timeout],
  transfer: [transferables],
  priority: [number({ above: -101, least: -100, most: 100 })],
  key: [key],
} as const satisfies Record<keyof ExecuteOptions, Option>;

const WAIT = { signal: [signal] } as const;

const PERMISSION = Object.fromEntries(
  PERMISSIONS.map((kind) => [kind, [grant] as const]),
);

/** Which options a pool cannot have, and why. */
const EXCLUDED: {
  where: (settings: Partial<PoolSettings>) => unknown;
  not: (keyof PoolSettings)[];
  why: string;
}[] = [
  {
    where: ({ whenFull }) => whenFull === "caller-runs",
    not: ["isolation", "timeout", "hardKill", "memoryLimit", "permissions"],
    why: 'where `queue.whenFull` is "caller-runs": nothing protects the caller',
  },
  {
    where: ({ isolation }) => isolation === "process",
    not: ["connections"],
    why: 'where `isolation` is "process": connections cannot move there',
  },
  {
    where: ({ isolation }) => isolation === "thread",
    not: ["execArgv"],
    why: 'in a thread: set `isolation` to "process"',
  },
  {
    where: ({ isolation, permissions }) =>
      isolation === "thread" && permissions,
    not: ["hardKill", "memoryLimit"],
    why: 'with `permissions` in a thread: set `isolation` to "process"',
  },
];

/** What a table makes of the options that it checks. */
type Checked<Table extends Record<string, Option>> = {
  [Name in keyof Table]:
    | ReturnType<Table[Name][0]>
    | (Table[Name] extends readonly [unknown, infer Default] ? Default
      : undefined);
};

/** The options of a pool as the pool holds them: complete and checked. */
export type PoolSettings = ReturnType<typeof poolSettings>;

/** Checks a pool's options and fills in the defaults. */
export function poolSettings(options: number | ThreadPoolOptions = {}) {
  if (typeof options === "string" || options instanceof URL) {
    const isCount = /^\s*\d+\s*$/.test(String(options));
    const advice = `new ThreadPool(${isCount ? +options : "{ module: … }"})`;
    throw expected("options", "a number or an object", options, advice);
  }
  const { queue, ...settings } = checked(
    POOL,
    typeof options === "number" ? { size: options } : options,
  );
  checkTogether({ ...settings, ...queue });
  const { size = navigator.hardwareConcurrency, execArgv = [] } = settings;
  const { memoryLimit, isolation } = settings;
  // A process can be killed as it is.
  const hardKill = isolation === "thread" &&
    (settings.hardKill || memoryLimit !== undefined);
  return { ...settings, ...queue, size, execArgv, hardKill };
}

/** Checks the options of one call of `execute()`. */
export function executeSettings(
  options: ExecuteOptions,
  { whenFull }: PoolSettings,
): Checked<typeof EXECUTE> {
  const settings = checked(EXECUTE, options, "options");
  const { timeout } = settings;
  if (timeout !== undefined) checkTogether({ whenFull, timeout });
  return settings;
}

/** Checks the options of a method that waits. */
export function waitSettings(options: WaitOptions): Checked<typeof WAIT> {
  return checked(WAIT, options, "options");
}

/** Refuses options that a pool with these settings cannot have. */
function checkTogether(settings: Partial<PoolSettings>): void {
  const NOTHING: unknown[] = [undefined, false, Infinity, "thread"];
  for (const { where, not, why } of EXCLUDED) {
    const name = not.find((name) => !NOTHING.includes(settings[name]));
    if (name === undefined || !where(settings)) continue;
    throw new TypeError(`Cannot use \`${name}\` ${why}`);
  }
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
  for (const key in table) {
    const [check, byDefault] = table[key];
    const value = given[key];
    const setting = value === undefined ? byDefault : check(path + key, value);
    if (setting !== undefined) settings[key] = setting;
  }
  return settings as Checked<Table>;
}

/** What is known of an option that is not. */
function whyUnknown(
  key: string,
  value: unknown,
  table: Record<string, Option>,
): string {
  if (table === POOL && Object.hasOwn(QUEUE, key)) {
    return `write ${asOption(`queue.${key}`, written(value))}`;
  }
  if (table !== POOL && Object.hasOwn(POOL, key)) {
    return "it is an option of the pool";
  }
  if (Object.hasOwn(EXECUTE, key)) return "it is an option of `execute()`";
  const names = Object.keys(table).filter((name) => table[name][0] !== unbuilt);
  const meant = meantBy(key, names);
  return meant === undefined
    ? `expected one of ${names.join(", ")}`
    : `did you mean \`${meant}\`?`;
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
  // To inherit all is what happens without the option, and asks for no flag.
  if (value === "inherit") return undefined;
  if (value === "none") return value;
  if (isObject(value)) return checked(PERMISSION, value, name);
  const what = '"inherit", "none" or an object';
  if (typeof value === "string") throw outOfRange(name, what, value);
  const advice = asOption(name, value ? '"inherit"' : '"none"');
  throw expected(name, what, value, typeof value === "boolean" && advice);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
