// What TypeScript knows of a module's jobs: their names, arguments and results.

/** A self-contained function, which is sent to a worker as its source. */
// deno-lint-ignore no-explicit-any
export type InlineJob = (...args: any[]) => any;

/**
 * The names of the jobs of a module: its functions, except generators.
 *
 * @typeParam Jobs The type of the module
 */
export type JobName<Jobs> = Extract<
  {
    [Name in keyof Jobs]: Jobs[Name] extends (...args: never[]) => infer Result
      // Every string is a key of `any` and of `never`.
      ? string extends keyof Result ? Name
      : Result extends
        | Generator<unknown, unknown, never>
        | AsyncGenerator<unknown, unknown, never> ? never
      : Name
      : never;
  }[keyof Jobs],
  string
>;

/**
 * The arguments of a job, as a list.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The job's name, or the type of an inline job
 */
// What is inline comes first, so that it is known where the module is not.
export type JobArguments<Jobs, Job> = Job extends
  (...args: infer Args) => unknown ? Readonly<Args>
  : Job extends keyof Jobs
    ? Jobs[Job] extends (...args: infer Args) => unknown ? Readonly<Args>
    : never
  : never;

/**
 * What the promise of a job resolves to.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The job's name, or the type of an inline job
 */
export type JobResult<Jobs, Job> = Job extends
  (...args: never[]) => infer Result ? Awaited<Result>
  : Job extends keyof Jobs
    ? Jobs[Job] extends (...args: never[]) => infer Result ? Awaited<Result>
      // Of a module that is `any`, so is this.
      // deno-lint-ignore no-explicit-any
    : any
  : never;
