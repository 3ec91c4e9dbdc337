// Makes `pool.jobs`: the module's jobs as functions that call `execute()`.
// Through them, an editor finds a handler and its documentation.

import type { JobName, JobResult } from "./job_types.ts";

/**
 * The jobs of a module as functions: {@linkcode ThreadPool.jobs}.
 *
 * @typeParam Jobs The type of the module
 */
// Mapped from the module's own properties, so they keep their documentation.
export type JobFunctions<Jobs> = {
  readonly [
    Name in keyof Jobs as Name extends JobName<Jobs> ? Name : never
  ]: Jobs[Name] extends (...args: infer Args) => unknown
    ? (...args: Args) => Promise<JobResult<Jobs, Name>>
    : never;
};

/** Calls a job by its name. */
type Call = (name: string, args: unknown[]) => Promise<unknown>;

/** Returns an object that has a function for each job name. */
export function jobFunctions(call: Call): object {
  const functions = Object.create(null);
  return new Proxy(functions, {
    get(_, name) {
      // A promise that resolves to this object reads its `then`.
      if (typeof name === "symbol" || name === "then") return undefined;
      return functions[name] ??= (...args: unknown[]) => call(name, args);
    },
  });
}
