// The protocol of channels: the events that the two ends send each other.

/** Kinds of events. */
export const FlowEvent = {
  /** The next chunk. */
  DATA: 0,
  /** The end, with an error if the source has failed. */
  END: 1,
  /** More credit for the sender. */
  CREDIT: 2,
  /** The receiver wants no more chunks, with the reason. */
  STOP: 3,
  /** The end, and all chunks before it, have been delivered. */
  DONE: 4,
  /** Both directions end when everything sent has been delivered. */
  CLOSE: 5,
  /** A call to the owner of the other end, or an answer. */
  CALL: 6,
  /** The next chunk, as its place in the blocks. */
  BLOCK: 7,
  /** The next chunk: an object and its size. */
  OBJECT: 8,
  /** Without a channel: the blocks. */
  BLOCKS: 9,
  /** Without a channel: a block is free again. */
  FREE: 10,
  /** Without a channel: the sequence number of a job that has ended. */
  ENDED: 11,
} as const;

/** A value of {@linkcode FlowEvent}. */
export type FlowEvent = typeof FlowEvent[keyof typeof FlowEvent];

/** Events in a message, as a flat list: channel id, kind, value, and so on. */
export type FlowEvents = unknown[];

/** Sends events to the other end of a channel. */
export interface Teller {
  tell(
    event: FlowEvent,
    value?: unknown,
    moves?: readonly Transferable[],
  ): void;
  /** Sends bytes through shared memory; returns `false` if they need a message. */
  tellBytes(bytes: Uint8Array): boolean;
}
