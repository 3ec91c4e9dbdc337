// Turns a call of `execute()` into a job: checks it, and takes what moves.

import { areSmallPrimitives } from "../values/cloneable.ts";
import { JobNotFoundError } from "../errors.ts";
import { expected, written } from "../expected.ts";
import type { FunctionTable, PoolFunction } from "../job/functions.ts";
import type { JobExtras } from "../job/job.ts";
import type { ExecuteOptions } from "../options.ts";
import { ownConnection } from "../moving/connection.ts";
import { Departures } from "../moving/departures.ts";
import type { Connect } from "../moving/kind.ts";
import { MOVERS } from "../moving/kinds.ts";
import { LARGE, pack, release, take, type WhyStays } from "../values/pack.ts";
import { toText } from "../values/plain_text.ts";
import { checkExecuteOptions, type PoolSettings } from "./settings.ts";

/** A call that has been found good. Nothing has moved yet. */
export interface Call {
  fn: PoolFunction;
  args: readonly unknown[];
  options: ExecuteOptions | undefined;
}

/** The arguments of a job as they wait in the queue. */
export interface Payload {
  args: readonly unknown[] | string;
  extras: JobExtras | undefined;
}

/** Checks what `execute()` was called with. */
export function checkCall(
  job: unknown,
  args: unknown,
  options: ExecuteOptions | undefined,
  functions: FunctionTable,
  settings: PoolSettings,
): Call {
  if (!Array.isArray(args)) throw notArguments(job, args, options);
  if (options !== undefined) {
    if (!isObject(options)) throw notOptions(options);
    checkExecuteOptions(options, settings);
  }
  const fn = functionOf(job, functions, settings.module);
  return { fn, args, options };
}

function notArguments(
  job: unknown,
  args: unknown,
  options: unknown,
): TypeError {
  const name = typeof job === "string" ? written(job) : "job";
  const list = isObject(options) || options === undefined
    ? [args]
    : [args, options];
  const rest = isObject(options) ? ", { … }" : "";
  const advice = `execute(${name}, [${list.map(written).join(", ")}]${rest})`;
  return expected("args", "an array", args, advice);
}

function notOptions(options: unknown): TypeError {
  const advice = "all arguments into one array, as in execute(job, [1, 2])";
  return expected("options", "an object", options, advice);
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function functionOf(
  job: unknown,
  functions: FunctionTable,
  module: string | undefined,
): PoolFunction {
  if (typeof job === "function") return functions.inline(job);
  if (typeof job !== "string") {
    throw expected("job", "the name of a job or a function", job);
  }
  if (module === undefined) {
    throw new JobNotFoundError(
      `Job "${job}" not found: the pool has no module`,
    );
  }
  return functions.named(job);
}

/**
 * Takes a call's arguments: from here on, what moves is the pool's. If the job
 * is to be sent at once, in the same turn, that is when it moves.
 *
 * @throws {JobCloneError} If something in them cannot be sent; nothing has moved then
 */
export function takePayload(
  { args, options }: Call,
  dispatcher: { readonly sendsAtOnce: boolean },
  connect: Connect,
  whyStays: WhyStays | undefined,
): Payload {
  const transfer = options?.transfer;
  if (transfer === undefined) {
    // Primitives and texts are nobody's, so jobs that share a message share no object.
    if (areSmallPrimitives(args)) {
      return { args, extras: undefined };
    }
    const text = toText(args);
    if (text !== undefined) {
      return { args: text, extras: undefined };
    }
  }
  const packed = pack(args, "args", { transfer, movers: MOVERS, whyStays });
  const sendsAtOnce = dispatcher.sendsAtOnce && packed.departing.length === 0;
  const { value, moves, departing, isOwn, size, lent } = sendsAtOnce
    ? release(packed)
    : take(packed);
  for (const { kind, value } of departing) {
    if (kind === "connection") ownConnection(value as Deno.Conn);
  }
  const extras: JobExtras = { size };
  // Jobs that share a message share no object.
  if (!isOwn || moves.length > 0) extras.travelsAlone = true;
  if (lent !== undefined) extras.lent = lent;
  if (moves.length > 0) extras.moves = moves;
  if (departing.length > 0) {
    const departures = extras.departures = new Departures(departing, connect);
    extras.size = size + departures.size;
    if (departures.size > LARGE) extras.travelsAlone = true;
  }
  return { args: value, extras };
}
