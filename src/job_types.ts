// What TypeScript knows of a module's jobs: their names, arguments and results.

/** Any function that can be a job. */
// deno-lint-ignore no-explicit-any
export type AnyFunction = (...args: any[]) => any;

/** Whether a function that returns `T` is a generator: neither `any` nor `never` is one. */
export type IsGenerator<T> = 0 extends 1 & T ? false
  : [T] extends [never] ? false
  : T extends
    | Generator<unknown, unknown, never>
    | AsyncGenerator<unknown, unknown, never> ? true
  : false;

/** Jobs of a pool whose module's type is not given: any name, any types. */
export type UntypedJobs = Record<string, AnyFunction>;

/** The names of the functions in `Jobs` that can be jobs: all but generators. */
export type JobName<Jobs> =
  & string
  & {
    [Name in keyof Jobs]: Jobs[Name] extends AnyFunction
      ? IsGenerator<ReturnType<Jobs[Name]>> extends true ? never : Name
      : never;
  }[keyof Jobs];

/** A self-contained function, which is sent to a worker as its source. */
export type InlineJob = AnyFunction;

/** The function that a job, given by name or inline, runs. */
export type JobFunction<Jobs, Job> = Job extends keyof Jobs
  ? Jobs[Job] extends AnyFunction ? Jobs[Job] : never
  : Job extends AnyFunction
    ? IsGenerator<ReturnType<Job>> extends true ? never : Job
  : never;

/** What `execute` takes after the job; `args` only where the job needs any. */
export type JobArguments<Handler, Options> = Handler extends AnyFunction
  ? [] extends Parameters<Handler>
    ? [args?: Readonly<Parameters<Handler>>, options?: Options]
  : [args: Readonly<Parameters<Handler>>, options?: Options]
  : [args: never];

/** What the promise of a job resolves to. */
export type JobResult<Handler> = Handler extends AnyFunction
  ? Awaited<ReturnType<Handler>>
  : never;
