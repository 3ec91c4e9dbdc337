// Takes the arguments of a call: from here on, what moves is the pool's.

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

/** The arguments of a job as they wait in the queue. */
export interface Payload {
  args: readonly unknown[] | string;
  extras: JobExtras | undefined;
}

/**
 * Arguments that are small primitives, or the text of those that are plain data:
 * these are nobody's, so that jobs that share a message share no object.
 */
export function plainOf(
  args: readonly unknown[],
): readonly unknown[] | string | undefined {
  return areSmallPrimitives(args) ? args : toText(args);
}

/**
 * Takes a call's arguments. If its job is sent in the same turn, what moves is
 * taken by the sending.
 *
 * @param back What of the job comes back while it runs
 * @throws {JobCloneError} If something in them cannot be sent; nothing has moved then
 */
export function takePayload(
  args: readonly unknown[],
  transfer: readonly Transferable[] | undefined,
  { isolation, connections }: PoolSettings,
  dispatcher: { readonly sendsAtOnce: boolean },
  back?: Departing,
): Payload {
  if (transfer === undefined) {
    // Primitives and texts are nobody's, so jobs that share a message share no object.
    if (areSmallPrimitives(args)) return plain(args, back);
    // To a process, and beside other cargo, nothing moves as text.
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
  // Writing to a process does not take what the arguments do not hold.
  const sendsAtOnce = packed.departing.length === 0 &&
    dispatcher.sendsAtOnce && isolation !== "process";
  const { value, moves, departing, isOwn, size, lent } = sendsAtOnce
    ? useUpMarks(packed)
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
    const cargo = extras.cargo = new Departures(
      departing,
      connectBy(connections),
    );
    extras.size = size + cargo.size;
    if (cargo.size > LARGE) extras.travelsAlone = true;
  }
  return { args: value, extras };
}

/** Arguments that are nobody's, and with which nothing moves. */
function plain(args: Payload["args"], back: Departing | undefined): Payload {
  const cargo = back && new Departures(back, connectBytes);
  return { args, extras: cargo && { cargo } };
}
