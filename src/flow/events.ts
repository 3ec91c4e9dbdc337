// The protocol of channels: what their two ends tell each other.

/** What is told, here called an event. */
export const FlowEvent = {
  /** The next chunk. */
  DATA: 0,
  /** Nothing follows; with an error if the source has failed. */
  END: 1,
  /** This much more may come. */
  CREDIT: 2,
  /** Nothing more is wanted, for this reason. */
  STOP: 3,
  /** The end has arrived, and all before it is where it belongs. */
  DONE: 4,
  /** Both directions end, once all that was sent is where it belongs. */
  CLOSE: 5,
  /** For the owner of the other end: something to do, or what came of it. */
  CALL: 6,
  /** The next chunk, by its place in the blocks. */
  BLOCK: 7,
  /** The next chunk, an object, and its size. */
  OBJECT: 8,
  /** Of no channel: the blocks. */
  BLOCKS: 9,
  /** Of no channel: a block is free again. */
  FREE: 10,
  /** Of no channel: a job has ended, by its sequence number. */
  ENDED: 11,
} as const;

/** One of {@linkcode FlowEvent}. */
export type FlowEvent = typeof FlowEvent[keyof typeof FlowEvent];

/** Events in a message, flat: the channel's id, what is told, and its value. */
export type FlowEvents = unknown[];

/** Tells the other end of a channel something. */
export interface Teller {
  tell(
    event: FlowEvent,
    value?: unknown,
    moves?: readonly Transferable[],
  ): void;
  /** Tells bytes through shared memory; `false`, and nothing is told, if they need a message. */
  tellBytes(bytes: Uint8Array): boolean;
}
