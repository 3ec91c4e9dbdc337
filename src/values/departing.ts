// Types for values that depart to another thread instead of being cloned, as far as
// packing needs them.

/** Kind of a departing value. */
export type Kind =
  | "connection"
  | "readable"
  | "writable"
  | "transform"
  | "signal"
  | "request"
  | "response"
  | "value"
  /** Values that a generator yields, which come back through a channel. */
  | "yields"
  /** Progress reports of a job, which also come back through a channel. */
  | "progress"
  /** A handle to a pool. */
  | "sender";

/** Departing values, each with the empty object that replaces it. */
export type Departing = {
  value: object;
  kind: Kind;
  placeholder: object;
  /** Data of a value that is sent as data. */
  data: unknown;
}[];

/** Decides which objects depart instead of being cloned. */
export interface Movers {
  /** Returns the kind of an object; `undefined` if it does not depart. */
  kindOf(value: object): Kind | undefined;
  /** Returns why a departing object cannot move now, if it cannot. */
  whyStays(value: object): string | undefined;
  /** Returns the streams that move with an object, so with no other. */
  streamsOf(value: object): object[];
  /** Returns the data of an object that is sent as data. */
  toData(value: object): unknown;
}

/** Movers for which no object departs; objects that can only depart are refused. */
export const NO_MOVERS: Movers = {
  kindOf: () => undefined,
  whyStays: () => undefined,
  streamsOf: () => [],
  toData: () => undefined,
};

/** Returns why an object that can be cloned or moved cannot go to its destination. */
export type WhyStays = (value: object) => string | undefined;
