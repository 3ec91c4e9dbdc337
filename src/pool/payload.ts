// Packs the arguments of a call. Then values that move belong to the pool.

import type { JobExtras } from "../job/job.ts";
import { placeOfMoving, takeAsText } from "../moving/as_text.ts";
import { connectBy, connectBytes } from "../moving/connect.ts";
import { Departures } from "../moving/departures.ts";
import { MOVERS } from "../moving/kinds.ts";
import { ownConnection } from "../moving/connection.ts";
import { whyStaysHere } from "../process/crossing.ts";
import { areSmallPrimitives } from "../values/cloneable.ts";
import { LARGE } from "../values/bytes.ts";
import { pack, take, useUpMarks } from "../values/pack.ts";
import { toText } from "../values/plain_text.ts";
import type { Departing } from "../values/departing.ts";
import type { PoolSettings } from "./settings.ts";

/** The arguments of a job while it waits in the queue. */
export interface Payload {
  args: readonly unknown[] | string;
  extras: JobExtras | undefined;
}

/**
 * Returns small primitives as they are, and plain data as text; otherwise `undefined`.
 * Neither has objects, so jobs can share a message without sharing an object.
 */
export function plainOf(
  args: readonly unknown[],
): readonly unknown[] | string | undefined {
  return areSmallPrimitives(args) ? args : toText(args);
}

/**
 * Packs the arguments of a call. Values move now, or, if the job is sent in the same
 * turn, when it is sent.
 *
 * @param back What the job sends back while it runs
 * @throws {JobCloneError} If an argument cannot be sent; then nothing has moved
 */
export function takePayload(
  args: readonly unknown[],
  transfer: readonly Transferable[] | undefined,
  { isolation, connections }: PoolSettings,
  dispatcher: { readonly sendsAtOnce: boolean },
  back?: Departing,
): Payload {
  if (transfer === undefined) {
    // Neither primitives nor text hold objects, so these jobs share messages.
    if (areSmallPrimitives(args)) return plain(args, back);
    // To a process, and together with other cargo, nothing moves as text.
    const isWhole = isolation === "process" || back !== undefined;
    const place = isWhole ? -1 : placeOfMoving(args);
    if (place < 0) {
      const text = toText(args);
      if (text !== undefined) return plain(text, back);
    } else {
      const taken = takeAsText(args, place, connectBy(connections));
      if (taken) return { args: taken.text, extras: { cargo: taken.cargo } };
    }
  }
  const whyStays = isolation === "process" ? whyStaysHere : undefined;
  const packed = pack(args, "args", { transfer, movers: MOVERS, whyStays });
  if (back) packed.departing.push(...back);
  // Writing to a process detaches only buffers that the arguments contain.
  const sendsAtOnce = packed.departing.length === 0 &&
    dispatcher.sendsAtOnce && isolation !== "process";
  const { value, moves, departing, isOwn, size, lent } = sendsAtOnce
    ? useUpMarks(packed)
    : take(packed);
  for (const { kind, value } of departing) {
    if (kind === "connection") ownConnection(value as Deno.Conn);
  }
  const extras: JobExtras = { size };
  // Jobs that share a message must not share an object.
  if (!isOwn || moves.length > 0) extras.travelsAlone = true;
  if (lent !== undefined) extras.lent = lent;
  if (moves.length > 0) extras.moves = moves;
  if (departing.length > 0) {
    const cargo = extras.cargo = new Departures(
      departing,
      connectBy(connections),
    );
    extras.size = size + cargo.size;
    if (cargo.size > LARGE) extras.travelsAlone = true;
  }
  return { args: value, extras };
}

/** Returns the payload of arguments without objects, with which nothing moves. */
function plain(args: Payload["args"], back: Departing | undefined): Payload {
  const cargo = back && new Departures(back, connectBytes);
  return { args, extras: cargo && { cargo } };
}
