// What the two ends of a channel tell each other.

/** What one end of a channel tells the other. */
export const Op = {
  /** The next chunk. */
  DATA: 0,
  /** Nothing follows; with an error, since the source has failed. */
  END: 1,
  /** So much more may come. */
  CREDIT: 2,
  /** Nothing more is wanted, for this reason. */
  STOP: 3,
  /** The end has arrived: all before it is where it belongs. */
  DONE: 4,
  /** Both directions end, once all that was sent is where it belongs. */
  CLOSE: 5,
  /** Something is to be done with what is at the other end. */
  CALL: 6,
  /** What came of a call. */
  ANSWER: 7,
  /** The next chunk, by its place in the blocks. */
  BLOCK: 8,
  /** Of no channel: the blocks. */
  BLOCKS: 9,
  /** Of no channel: a block is free again. */
  FREE: 10,
  /** Of no channel: a job has ended, by its sequence number. */
  ENDED: 11,
  /** The next chunk, an object, and its size. */
  OBJECT: 12,
} as const;

/** One of {@linkcode Op}. */
export type Op = typeof Op[keyof typeof Op];

/** Tells the other end of a channel something. */
export interface Teller {
  tell(op: Op, value?: unknown, moves?: readonly Transferable[]): void;
  /** The same of bytes, where that takes no message; `false`, and nothing is told, where it does. */
  tellBytes(bytes: Uint8Array): boolean;
}
