// All channels between main and one worker, as one of the two threads sees them:
// what is short goes through shared memory, the rest in one message a turn, since
// a message costs more than all that a small request has to say. README.md says
// why nothing is lost, doubled or out of order.

import { type Clock, REAL_CLOCK } from "../values/clock.ts";
import { performanceNow, push } from "../values/intrinsics.ts";
import { Registry } from "../values/registry.ts";
import { BLOCK, Blocks } from "./blocks.ts";
import { atEndOfTurn } from "./end_of_turn.ts";
import { FlowEvent, type FlowEvents } from "./events.ts";
import { type FlowRing, MAX_RECORD_BYTES } from "./ring.ts";

/** Instead of a channel's id, for what is of no channel. */
const NO_CHANNEL = 0;

/** Milliseconds between two wake-ups of the other thread in the middle of a turn. */
const WAKE_EVERY = 1;

/** One end of a channel, as its link knows it. */
export interface LinkEnd {
  /** The other end tells something. */
  receive(event: FlowEvent, value: unknown): void;
  /** The other thread is gone. */
  fail(error: unknown): void;
}

/** Sends events to the other thread, or, without any, wakes it to look into the ring. */
type Post = (events?: FlowEvents, moves?: Transferable[]) => void;

/** One thread's side of all channels to another thread. */
export class Link {
  readonly clock: Clock;
  readonly #post: Post;
  readonly #ends = new Registry<LinkEnd>();
  /** What has come for channels before they were joined, and which was joined last. */
  readonly #early = new Registry<unknown[]>();
  #lastJoined = 0;
  /** Main numbers the channels that it opens upwards, a worker downwards. */
  readonly #isMain: boolean;
  #lastId = 0;
  /** What does not go through the ring; until it is sent, nothing else does. */
  #events: FlowEvents = [];
  #moves: Transferable[] = [];
  /** How many messages have been sent, and how many have come. */
  #sent = 0;
  #received = 0;
  /** Whether what is told waits for the end of this turn. */
  #isInTurn = false;
  /** Whether something has been told that the other thread may not see by itself. */
  #isUntold = false;
  /** When the other thread was last woken in the middle of this turn. */
  #wokenAt = 0;
  /** Where bytes are sent that are too many for the ring, and where they come. */
  #outputBlocks: Blocks | undefined;
  #inputBlocks: Blocks | undefined;
  /** Set to hear of jobs that have ended. */
  onEnded: ((seq: number) => void) | undefined;
  /** Where the other thread reads and writes. */
  readonly #output: FlowRing | undefined;
  readonly #input: FlowRing | undefined;

  /**
   * @param rings Where this thread writes and reads; without, all goes by message
   * @param clock What the channels go by
   */
  constructor(
    post: Post,
    isMain: boolean,
    rings?: { output: FlowRing; input: FlowRing },
    clock = REAL_CLOCK,
  ) {
    this.clock = clock;
    this.#post = post;
    this.#isMain = isMain;
    this.#output = rings?.output;
    this.#input = rings?.input;
  }

  /** Opens a channel at this end; gives its id. */
  open(end: LinkEnd): number {
    const id = this.#lastId += this.#isMain ? 1 : -1;
    this.#ends.set(id, end);
    return id;
  }

  /** Opens the other end of a channel, which hears what has come already. */
  join(id: number, end: LinkEnd): void {
    this.#ends.set(id, end);
    // Not all are joined in their order.
    if (this.#isEarly(id)) this.#lastJoined = id;
    const events = this.#early.get(id);
    if (events === undefined) return;
    this.#early.delete(id);
    for (let i = 0; i < events.length; i += 2) {
      end.receive(events[i] as FlowEvent, events[i + 1]);
    }
  }

  /** Forgets a channel: what still comes for it is dropped. */
  close(id: number): void {
    this.#ends.delete(id);
  }

  /** Tells the other thread something. */
  tell(
    id: number,
    event: FlowEvent,
    value?: unknown,
    moves?: readonly Transferable[],
  ): void {
    const isWritten = moves === undefined && this.#write(id, event, value);
    if (!isWritten) {
      // Endings of jobs go here, too, so that no job may replace this.
      push(this.#events, id, event, value);
      if (moves !== undefined) this.#moves.push(...moves);
    }
    this.#flushSoon();
    // For much, every turn would be too seldom. A worker's long turn holds up
    // only what goes by message: main looks into the ring meanwhile.
    if (
      event === FlowEvent.CREDIT || event === FlowEvent.BLOCK ||
      !isWritten && !this.#isMain
    ) this.#wake();
  }

  /** Tells that a job has ended, by the bits of its sequence number that the ring holds. */
  tellEnded(seq: number): void {
    this.tell(NO_CHANNEL, FlowEvent.ENDED, seq | 0);
  }

  /** Tells bytes through shared memory; `false`, and nothing is told, if they need a message. */
  tellBytes(id: number, bytes: Uint8Array): boolean {
    if (bytes.length <= MAX_RECORD_BYTES) {
      const isWritten = this.#write(id, FlowEvent.DATA, bytes);
      if (isWritten) this.#flushSoon();
      return isWritten;
    }
    const block = bytes.length <= BLOCK ? this.takeBlock() : undefined;
    if (block === undefined) return false;
    block.set(bytes);
    this.tellBlock(id, block, bytes.length);
    return true;
  }

  /** A block to fill and tell of, if one is free. */
  takeBlock(): Uint8Array | undefined {
    if (this.#output === undefined) return undefined;
    if (this.#outputBlocks === undefined) {
      this.#outputBlocks = new Blocks();
      this.tell(NO_CHANNEL, FlowEvent.BLOCKS, this.#outputBlocks.buffer);
    }
    return this.#outputBlocks.take();
  }

  /** Tells what a block has been filled with; if with nothing, it is free again. */
  tellBlock(id: number, block: Uint8Array, length: number): void {
    const blocks = this.#outputBlocks!;
    if (length === 0) blocks.free(blocks.indexOf(block));
    else this.tell(id, FlowEvent.BLOCK, blocks.place(block, length));
  }

  /** Bytes that came, in a block or not, are needed no more. */
  release(bytes: Uint8Array): void {
    const blocks = this.#inputBlocks;
    if (!blocks?.holds(bytes)) return;
    const index = blocks.indexOf(bytes);
    // In the ring it wakes nobody.
    if (!this.#write(NO_CHANNEL, FlowEvent.FREE, index)) {
      this.tell(NO_CHANNEL, FlowEvent.FREE, index);
    }
  }

  #write(id: number, event: FlowEvent, value: unknown): boolean {
    // In the ring it would overtake what waits to be sent.
    return this.#events.length === 0 && this.#output !== undefined &&
      this.#output.write(this.#sent, id, event, value);
  }

  #flushSoon(): void {
    this.#isUntold = true;
    if (this.#isInTurn) return;
    this.#begin();
    // Main does not know that a worker is at something.
    if (!this.#isMain) this.#wake();
  }

  /** The other thread has begun a turn here, and looks into the ring while it lasts. */
  beginTurn(): void {
    if (!this.#isInTurn && this.isUsed) this.#begin();
  }

  #begin(): void {
    this.#setInTurn(true);
    atEndOfTurn(() => {
      this.#setInTurn(false);
      this.#wokenAt = 0;
      if (this.#isUntold) this.flush();
    });
  }

  #setInTurn(isInTurn: boolean): void {
    this.#isInTurn = isInTurn;
    if (this.#output) this.#output.isInTurn = isInTurn;
  }

  /** Whether the other thread is in the middle of a turn in which it may tell something. */
  get isOtherInTurn(): boolean {
    return this.#input?.isInTurn ?? false;
  }

  /** Whether any channel is open. */
  get isUsed(): boolean {
    return this.#ends.size > 0;
  }

  /** Lets the other thread hear it while this turn goes on. */
  #wake(): void {
    const now = performanceNow();
    if (now - this.#wokenAt < WAKE_EVERY) return;
    this.#wokenAt = now;
    this.flush();
  }

  /** Lets the other thread hear what has been told so far. */
  flush(): void {
    this.#isUntold = false;
    if (!this.send()) this.#post();
  }

  /** The other thread has been woken by another message: it will look into the ring. */
  woken(): void {
    if (this.#events.length === 0) this.#isUntold = false;
  }

  /** Sends what does not go through the ring; `false` if there is no such thing. */
  send(): boolean {
    const events = this.#events;
    if (events.length === 0) return false;
    const moves = this.#moves;
    this.#events = [];
    this.#moves = [];
    this.#post(events, moves.length > 0 ? moves : undefined);
    this.#sent++;
    return true;
  }

  /** The other thread has sent events. */
  receive(events: FlowEvents): void {
    this.read();
    for (let i = 0; i < events.length; i += 3) {
      this.#hear(
        events[i] as number,
        events[i + 1] as FlowEvent,
        events[i + 2],
      );
    }
    // Not before: what hears an event may look into the ring.
    this.#received++;
    this.read();
  }

  /** Looks into the ring. */
  read(): void {
    this.#input?.read(this.#received, this.#hear);
  }

  readonly #hear = (id: number, event: FlowEvent, value: unknown): void => {
    if (event === FlowEvent.BLOCK) {
      value = this.#inputBlocks!.at(value as number);
    }
    const end = this.#ends.get(id);
    if (end !== undefined) end.receive(event, value);
    else if (id === NO_CHANNEL) this.#hearOfNone(event, value);
    else if (this.#isEarly(id)) {
      // What tells of the channel itself is on its way.
      const events = this.#early.get(id);
      if (events === undefined) this.#early.set(id, [event, value]);
      else events.push(event, value);
    } else if (event === FlowEvent.BLOCK) this.release(value as Uint8Array);
  };

  #hearOfNone(event: FlowEvent, value: unknown): void {
    if (event === FlowEvent.ENDED) this.onEnded?.(value as number);
    else if (event === FlowEvent.FREE) {
      this.#outputBlocks!.free(value as number);
    } else this.#inputBlocks = new Blocks(value as SharedArrayBuffer);
  }

  /** Whether a channel that is not known has yet to be joined; else it is closed. */
  #isEarly(id: number): boolean {
    return this.#isMain ? id < this.#lastJoined : id > this.#lastJoined;
  }

  /** The other thread is gone. */
  fail(error: unknown): void {
    this.read();
    this.#events = [];
    this.#moves = [];
    this.#early.clear();
    const ends = this.#ends.values();
    this.#ends.clear();
    for (const end of ends) end.fail(error);
  }
}
