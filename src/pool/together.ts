// Checks which options of a pool exclude each other.

import type { PoolSettings } from "./settings.ts";

/** Combinations of options that a pool refuses, with the reasons. */
const EXCLUDED: {
  where: (settings: Partial<PoolSettings>) => unknown;
  not: (keyof PoolSettings)[];
  why: string;
}[] = [
  {
    where: ({ whenFull }) => whenFull === "caller-runs",
    not: ["timeout", "hardKill", "memoryLimit", "permissions"],
    why: 'where `queue.whenFull` is "caller-runs": nothing protects the caller',
  },
  {
    where: ({ whenFull, isolation }) =>
      whenFull === "caller-runs" && isolation === "process",
    not: ["isolation"],
    why: 'where `queue.whenFull` is "caller-runs": nothing protects the caller',
  },
  {
    where: ({ isolation }) => isolation === "none",
    not: ["hardKill", "memoryLimit", "maxHeapPerWorker", "permissions"],
    why:
      'where `isolation` is "none": nothing protects the thread that runs the jobs',
  },
  {
    where: ({ whenFull }) => whenFull === "caller-runs",
    not: ["workerData"],
    why: 'where `queue.whenFull` is "caller-runs": the caller is no worker',
  },
  {
    where: ({ limits }) => limits?.min === undefined,
    not: ["idleTimeout"],
    why: "where `size` is a number: such workers do not stop",
  },
  {
    where: ({ isolation }) => isolation === "process",
    not: ["connections"],
    why: 'where `isolation` is "process": connections cannot move there',
  },
  {
    where: ({ isolation }) => isolation !== "process",
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

/** Values with which an option has no effect; for other options, `undefined`. */
const NO_EFFECT: Partial<PoolSettings> = {
  isolation: "thread",
  timeout: Infinity,
  maxHeapPerWorker: Infinity,
  hardKill: false,
};

/** Throws a `TypeError` if the settings contain options that exclude each other. */
export function checkTogether(settings: Partial<PoolSettings>): void {
  for (const { where, not, why } of EXCLUDED) {
    const name = not.find((name) => {
      return settings[name] !== undefined && settings[name] !== NO_EFFECT[name];
    });
    if (name === undefined || !where(settings)) continue;
    throw new TypeError(`Cannot use \`${name}\` ${why}`);
  }
}
