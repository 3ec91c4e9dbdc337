// Turns a call of `execute()` into a job: checks it, and takes what moves.

import { arePrimitives } from "./cloneable.ts";
import { JobNotFoundError } from "./errors.ts";
import { expected } from "./expected.ts";
import type { FunctionTable } from "./functions.ts";
import type { JobExtras } from "./job.ts";
import type { ExecuteOptions } from "./options.ts";
import { type Connect, Departures } from "./moving/departures.ts";
import { ownConnection } from "./moving/owned_connections.ts";
import { pack, release, take } from "./pack.ts";
import { toText } from "./plain_text.ts";
import { checkExecuteOptions, type PoolSettings } from "./settings.ts";

/** A call that has been found good. Nothing has moved yet. */
export interface Call {
  functionId: number;
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
  if (options !== undefined) checkExecuteOptions(options, settings);
  if (!Array.isArray(args)) throw expected("args", "an array", args);
  const functionId = functionOf(job, functions, settings.module);
  return { functionId, args, options };
}

function functionOf(
  job: unknown,
  functions: FunctionTable,
  module: string | undefined,
): number {
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
): Payload {
  const transfer = options?.transfer;
  if (transfer === undefined) {
    // Primitives and texts are nobody's, so jobs that share a message share no object.
    if (arePrimitives(args)) {
      return { args, extras: undefined };
    }
    const text = toText(args);
    if (text !== undefined) {
      return { args: text, extras: undefined };
    }
  }
  const packed = pack(args, "args", transfer);
  const sendsAtOnce = dispatcher.sendsAtOnce && packed.departing.length === 0;
  const { value, moves, departing, isOwn } = sendsAtOnce
    ? release(packed)
    : take(packed);
  for (const { kind, value } of departing) {
    if (kind === "connection") ownConnection(value as Deno.Conn);
  }
  const extras: JobExtras = {};
  // Jobs that share a message share no object.
  if (!isOwn || moves.length > 0) extras.travelsAlone = true;
  if (moves.length > 0) extras.moves = moves;
  if (departing.length > 0) {
    extras.departures = new Departures(departing, connect);
  }
  return { args: value, extras };
}
