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
export type JobName<Jobs> = Extract<
  {
    [Name in keyof Jobs]: Jobs[Name] extends AnyFunction
      ? IsGenerator<ReturnType<Jobs[Name]>> extends true ? never : Name
      : never;
  }[keyof Jobs],
  string
>;

/** A self-contained function, which is sent to a worker as its source. */
export type InlineJob = AnyFunction;

/** The function that a job, given by name or inline, runs. */
export type JobFunction<Jobs, Job> = Job extends AnyFunction ? Job
  : Jobs[Job & keyof Jobs];

/** What TypeScript says of a generator that is given as a job. */
export interface NoGenerators {
  /** No value has it. */
  readonly "generators cannot be jobs": never;
}
/** What TypeScript says of a job that needs arguments and is given none. */
export interface ArgumentsAreMissing {
  /** No value has it. */
  readonly "this job needs args": never;
}
/** Anything, if the function is no generator. */
export type CanBeJob<Handler> = Handler extends AnyFunction
  ? IsGenerator<ReturnType<Handler>> extends true ? NoGenerators : unknown
  : unknown;

/** Anything, if the function is no generator and needs no arguments. */
export type CanBeBareJob<Handler> = Handler extends AnyFunction
  ? [] extends Parameters<Handler> ? CanBeJob<Handler> : ArgumentsAreMissing
  : unknown;

/** The arguments of a job, as a list; `undefined` as well where it needs none. */
export type JobArguments<Handler> = Handler extends AnyFunction ?
    | Readonly<Parameters<Handler>>
    | ([] extends Parameters<Handler> ? undefined : never)
  : never;

/** What the promise of a job resolves to. */
export type JobResult<Handler> = Handler extends AnyFunction
  ? Awaited<ReturnType<Handler>>
  : never;
