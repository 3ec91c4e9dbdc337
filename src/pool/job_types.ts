// What TypeScript knows of a module's jobs: their names, arguments and results.

import type { OnError } from "../options.ts";

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
    // In tuples: a check of the error type alone, which exports of untyped npm
    // packages have, makes the union of all names `any`.
    [Name in keyof Jobs]: [Jobs[Name]] extends
      [(...args: never) => infer Result]
      // Every string is a key of `any` and of `never`.
      ? string extends keyof Result ? Name
      : Result extends
        | Iterator<unknown, unknown, never>
        | AsyncIterator<unknown, unknown, never> ? never
      : Name
      : never;
  }[keyof Jobs],
  string
>;

/**
 * Anything for a plain function; for a generator, a type that nothing has, so that
 * TypeScript refuses the call.
 *
 * @typeParam Job The job's name, or the type of an inline job
 */
export type NoGenerator<Job> = Job extends InlineJob
  ? JobName<{ inline: Job }> extends never
    ? { "a generator cannot be a job": never }
  : unknown
  : unknown;

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
export type JobResult<Jobs, Job> = Job extends (...args: never) => infer Result
  ? Awaited<Result>
  : Job extends keyof Jobs
    ? Jobs[Job] extends (...args: never) => infer Result ? Awaited<Result>
      // Of a module that is `any`, so is this.
      // deno-lint-ignore no-explicit-any
    : any
  : never;

/** What the function of a generator returns, synchronous or not. */
export type AnyGenerator =
  | (Iterator<unknown, unknown, undefined> & Iterable<unknown>)
  | (AsyncIterator<unknown, unknown, undefined> & AsyncIterable<unknown>);

/** A self-contained generator, which is sent to a worker as its source. */
// deno-lint-ignore no-explicit-any
export type InlineGenerator = (...args: any[]) => AnyGenerator;

/**
 * The names of the generators of a module, synchronous or not. One with a return
 * type of its own says `Generator`, `IterableIterator` or the like there: of an
 * `Iterable` TypeScript cannot tell whether it is a generator's.
 *
 * @typeParam Jobs The type of the module
 */
export type StreamName<Jobs> = Extract<
  {
    // In tuples, as in `JobName`.
    [Name in keyof Jobs]: [Jobs[Name]] extends
      [(...args: never) => infer Result]
      // Every string is a key of `any` and of `never`.
      ? string extends keyof Result ? Name
      : Result extends AnyGenerator ? Name
      : never
      : never;
  }[keyof Jobs],
  string
>;

/**
 * What a generator yields.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The generator's name, or the type of an inline generator
 */
export type StreamValue<Jobs, Job> = Job extends
  (...args: never) => infer Result ? GeneratorValue<Result>
  : Job extends keyof Jobs
    ? Jobs[Job] extends (...args: never) => infer Result
      ? GeneratorValue<Result>
      // Of a module that is `any`, so is this.
      // deno-lint-ignore no-explicit-any
    : any
  : never;

/**
 * What an iterator gives; promises are awaited, as in a loop.
 *
 * @typeParam Result The type of the iterator
 */
// Every string is a key of `any`.
export type GeneratorValue<Result> = string extends keyof Result
  // deno-lint-ignore no-explicit-any
  ? any
  : Result extends
    | Iterator<infer Value, unknown, never>
    | AsyncIterator<
      infer Value,
      unknown,
      never
    > ? Awaited<Value>
  : never;

/**
 * The values of a generator in a worker, to be read once: by a loop, or as a
 * `ReadableStream.from(stream)`.
 *
 * @typeParam Value What the generator yields
 */
export interface JobStream<Value>
  extends AsyncIterableIterator<Value, undefined, undefined>, AsyncDisposable {
  /** The next value; the first call starts the job. */
  next(): Promise<IteratorResult<Value, undefined>>;
  /**
   * Ends the generator, and resolves when that is done, or after `abortGrace`. A loop
   * calls it when you leave it. What the generator's `finally` throws then is lost.
   */
  return(): Promise<IteratorResult<Value, undefined>>;
  /** The stream itself. */
  [Symbol.asyncIterator](): JobStream<Value>;
  /** The same as `return()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * What a job can be called with as its only argument: an item of
 * {@linkcode ThreadPool.map}. `never` if the job needs more than one.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The job's name, or the type of an inline job
 */
export type JobItem<Jobs, Job> = JobArguments<Jobs, Job> extends infer Args
  ? Args extends readonly [] ? unknown
  : Args extends readonly [unknown, unknown, ...unknown[]] ? never
  : Args extends readonly unknown[] ? Args[0]
  : never
  : never;

/**
 * Anything for a job that needs at most one argument, as
 * {@linkcode ThreadPool.transform} wants it; otherwise a type that nothing has.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The job's name, or the type of an inline job
 */
export type NoSecondArgument<Jobs, Job> = [JobItem<Jobs, Job>] extends [never]
  ? { "a job for items can need one argument only": never }
  : unknown;

/**
 * What {@linkcode ThreadPool.map} gives for each item.
 *
 * @typeParam Result What the job's promise resolves to
 * @typeParam Mode What becomes of errors
 */
export type MapResult<Result, Mode extends OnError> = Mode extends "collect"
  ? PromiseSettledResult<Result>
  : Result;
