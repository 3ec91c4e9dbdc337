// Takes the arguments of a call: from here on, what moves is the pool's.

import type { JobExtras } from "../job/job.ts";
import { connectBytes, connectDescriptor } from "../moving/connect.ts";
import { Departures } from "../moving/departures.ts";
import { MOVERS } from "../moving/kinds.ts";
import { ownConnection } from "../moving/connection.ts";
import { placeOfRequest, takeRequest } from "../moving/request_text.ts";
import { whyStaysHere } from "../process/crossing.ts";
import { areSmallPrimitives } from "../values/cloneable.ts";
import { LARGE, pack, release, take } from "../values/pack.ts";
import { toText } from "../values/plain_text.ts";
import type { PoolSettings } from "./settings.ts";

/** The arguments of a job as they wait in the queue. */
export interface Payload {
  args: readonly unknown[] | string;
  extras: JobExtras | undefined;
}

/**
 * Takes a call's arguments. If its job is sent in the same turn, what moves is
 * taken by the sending.
 *
 * @throws {JobCloneError} If something in them cannot be sent; nothing has moved then
 */
export function takePayload(
  args: readonly unknown[],
  transfer: readonly Transferable[] | undefined,
  { isolation, connections }: PoolSettings,
  dispatcher: { readonly sendsAtOnce: boolean },
): Payload {
  if (transfer === undefined) {
    // Primitives and texts are nobody's, so jobs that share a message share no object.
    if (areSmallPrimitives(args)) return { args, extras: undefined };
    // To a process requests go as all that moves.
    const place = isolation === "process" ? -1 : placeOfRequest(args);
    if (place < 0) {
      const text = toText(args);
      if (text !== undefined) return { args: text, extras: undefined };
    } else {
      const request = takeRequest(args, place);
      if (request) {
        return { args: request.text, extras: { cargo: request.cargo } };
      }
    }
  }
  const whyStays = isolation === "process" ? whyStaysHere : undefined;
  const packed = pack(args, "args", { transfer, movers: MOVERS, whyStays });
  const sendsAtOnce = packed.departing.length === 0 && dispatcher.sendsAtOnce;
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
    const cargo = extras.cargo = new Departures(
      departing,
      connections === "descriptor" ? connectDescriptor : connectBytes,
    );
    extras.size = size + cargo.size;
    if (cargo.size > LARGE) extras.travelsAlone = true;
  }
  return { args: value, extras };
}
