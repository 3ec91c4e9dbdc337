// The types of a module's jobs: their names, arguments and results.

import type { OnError } from "../options.ts";

/** A self-contained function, which is sent to a worker as source code. */
// deno-lint-ignore no-explicit-any
export type InlineJob = (...args: any[]) => any;

/**
 * The names of the jobs of a module: its functions, except generators.
 *
 * @typeParam Jobs The type of the module
 */
export type JobName<Jobs> = Extract<
  {
    // Compared as tuples: exports of untyped npm packages have the error type,
    // which would otherwise make the union of all names `any`.
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
 * Accepts any plain function. For a generator, a type that no value has, so TypeScript
 * refuses the call.
 *
 * @typeParam Job The job's name, or the type of an inline job
 */
export type NoGenerator<Job> = Job extends InlineJob
  ? JobName<{ inline: Job }> extends never
    ? { "a generator cannot be a job": never }
  : unknown
  : unknown;

/**
 * The arguments of a job, as an array.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The job's name, or the type of an inline job
 */
// Inline jobs come first, so their types are known even without a module.
export type JobArguments<Jobs, Job> = Job extends
  (...args: infer Args) => unknown ? Readonly<Args>
  : Job extends keyof Jobs
    ? Jobs[Job] extends (...args: infer Args) => unknown ? Readonly<Args>
    : never
  : never;

/**
 * Type that a job's promise resolves to.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The job's name, or the type of an inline job
 */
export type JobResult<Jobs, Job> = Job extends (...args: never) => infer Result
  ? Awaited<Result>
  : Job extends keyof Jobs
    ? Jobs[Job] extends (...args: never) => infer Result ? Awaited<Result>
      // If the module is `any`, so is the result.
      // deno-lint-ignore no-explicit-any
    : any
  : never;

/** Type of the object that a generator function returns, synchronous or not. */
export type AnyGenerator =
  | (Iterator<unknown, unknown, undefined> & Iterable<unknown>)
  | (AsyncIterator<unknown, unknown, undefined> & AsyncIterable<unknown>);

/** A self-contained generator, which is sent to a worker as source code. */
// deno-lint-ignore no-explicit-any
export type InlineGenerator = (...args: any[]) => AnyGenerator;

/**
 * The names of the generators of a module, synchronous or not. An explicit return type
 * must be `Generator`, `IterableIterator` or similar: from `Iterable`, TypeScript
 * cannot tell that the function is a generator.
 *
 * @typeParam Jobs The type of the module
 */
export type StreamName<Jobs> = Extract<
  {
    // Compared as tuples, as in `JobName`.
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
 * Type of the values that a generator yields.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The generator's name, or the type of an inline generator
 */
export type StreamValue<Jobs, Job> = Job extends
  (...args: never) => infer Result ? GeneratorValue<Result>
  : Job extends keyof Jobs
    ? Jobs[Job] extends (...args: never) => infer Result
      ? GeneratorValue<Result>
      // If the module is `any`, so is the result.
      // deno-lint-ignore no-explicit-any
    : any
  : never;

/**
 * Type of the values of an iterator; promises are awaited, as in a loop.
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
 * The values that a generator in a worker yields. They can be read once, in a loop or
 * through `ReadableStream.from(stream)`.
 *
 * @typeParam Value The type of the values that the generator yields
 */
export interface JobStream<Value>
  extends AsyncIterableIterator<Value, undefined, undefined>, AsyncDisposable {
  /** Returns the next value; the first call starts the job. */
  next(): Promise<IteratorResult<Value, undefined>>;
  /**
   * Ends the generator, and resolves when it has ended, or after `abortGrace`. Leaving
   * a loop calls this. An error of the generator's `finally` is then lost.
   */
  return(): Promise<IteratorResult<Value, undefined>>;
  /** Returns the stream itself. */
  [Symbol.asyncIterator](): JobStream<Value>;
  /** Ends the generator, like `return()`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Type of a job's only argument: an item of {@linkcode ThreadPool.map}. `never` if the
 * job needs more than one argument.
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
 * Accepts a job that needs at most one argument, for {@linkcode ThreadPool.transform}.
 * For other jobs, a type that no value has.
 *
 * @typeParam Jobs The type of the module
 * @typeParam Job The job's name, or the type of an inline job
 */
export type NoSecondArgument<Jobs, Job> = [JobItem<Jobs, Job>] extends [never]
  ? { "a job for items can need one argument only": never }
  : unknown;

/**
 * Type of the results of {@linkcode ThreadPool.map}.
 *
 * @typeParam Result The type that the job's promise resolves to
 * @typeParam Mode What happens to errors
 */
export type MapResult<Result, Mode extends OnError> = Mode extends "collect"
  ? PromiseSettledResult<Result>
  : Result;
