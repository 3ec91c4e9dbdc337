// The table of all kinds of moving values: why a value cannot move, how it departs and
// how it arrives. Each kind has its own file; kind_of.ts determines the kind of a
// value.

import type { Kind, Movers } from "../values/departing.ts";
import { isOwned, type MovedConnection } from "./connection.ts";
import { arriveConnection } from "./connection_text.ts";
import { REQUEST, RESPONSE } from "./http.ts";
import { DepartsTogether, type MovingKind } from "./kind.ts";
import { kindOf } from "./kind_of.ts";
import { PROGRESS } from "./progress.ts";
import { READABLE } from "./readable.ts";
import { SENDER } from "./sender_departure.ts";
import { SIGNAL } from "./signal.ts";
import { TRANSFORM } from "./transform.ts";
import { toData, WEB_VALUE } from "./web_values.ts";
import { WRITABLE } from "./writable.ts";
import { YIELDS } from "./yields.ts";

const CONNECTION: MovingKind<Deno.Conn, MovedConnection> = {
  whyStays(connection) {
    return isOwned(connection) ? "has already moved into a job" : undefined;
  },
  streamsOf: ({ readable, writable }) => [readable, writable],
  depart(connection, { connect }) {
    const departure = connect!(connection);
    const about = JSON.stringify(departure.about);
    return new DepartsTogether([departure], (link) => ({
      kind: "connection",
      id: departure.send(link),
      about,
    }));
  },
  arrive(link, { id, about }) {
    return arriveConnection(link, id, JSON.parse(about));
  },
};

/** All kinds of values that move, or are followed, instead of being cloned. */
export const KINDS: Record<Kind, MovingKind> = {
  connection: CONNECTION,
  readable: READABLE,
  writable: WRITABLE,
  transform: TRANSFORM,
  signal: SIGNAL,
  request: REQUEST,
  response: RESPONSE,
  value: WEB_VALUE,
  yields: YIELDS,
  progress: PROGRESS,
  sender: SENDER,
};

/** The interface of this table for packing. */
export const MOVERS: Movers = {
  kindOf,
  whyStays: (value) => rowOf(value)?.whyStays?.(value),
  streamsOf: (value) => rowOf(value)?.streamsOf?.(value) ?? [],
  toData,
};

function rowOf(value: object): MovingKind | undefined {
  const kind = kindOf(value);
  return kind && KINDS[kind];
}
