// What goes to another thread in another way than as a clone, as far as packing
// knows of it.

/** How such a value goes. */
export type Kind =
  | "connection"
  | "readable"
  | "writable"
  | "transform"
  | "signal"
  | "request"
  | "response"
  | "value"
  /** What a generator yields, which comes back through a channel. */
  | "yields"
  /** What a job reports while it runs, the same way. */
  | "progress"
  /** A handle to a pool. */
  | "sender";

/** Such values, each with the empty object that stands for it. */
export type Departing = {
  value: object;
  kind: Kind;
  placeholder: object;
  /** Of a value that is sent as data: that data. */
  data: unknown;
}[];

/** Knows what departs instead of being cloned. */
export interface Movers {
  /** The kind of an object; `undefined` if it is cloned. */
  kindOf(value: object): Kind | undefined;
  /** Why an object of a kind cannot go now, if it cannot. */
  whyStays(value: object): string | undefined;
  /** The streams that an object takes with it, which nothing else can take. */
  streamsOf(value: object): object[];
  /** An object that is sent as data: that data. */
  toData(value: object): unknown;
}

/** Without it nothing departs: what could only depart is refused. */
export const NO_MOVERS: Movers = {
  kindOf: () => undefined,
  whyStays: () => undefined,
  streamsOf: () => [],
  toData: () => undefined,
};

/** Why an object cannot go where it is sent, though it can be cloned or moved. */
export type WhyStays = (value: object) => string | undefined;
