// One thread's side of all channels between main and a worker. Short events go through
// shared memory, all others in one message per turn, because a message costs more than
// all events of a small request. README.md explains why no event is lost, delivered
// twice or out of order.

import { type Clock, REAL_CLOCK } from "../values/clock.ts";
import { performanceNow, push } from "../values/intrinsics.ts";
import { Registry } from "../values/registry.ts";
import { BLOCK, Blocks } from "./blocks.ts";
import { atEndOfTurn } from "./end_of_turn.ts";
import { FlowEvent, type FlowEvents } from "./events.ts";
import { type FlowRing, MAX_RECORD_BYTES } from "./ring.ts";

/** Id of events without a channel. */
const NO_CHANNEL = 0;

/** Minimum time in ms between two wake-ups of the other thread within a turn. */
const WAKE_EVERY = 1;

/** One end of a channel, as the link sees it. */
export interface LinkEnd {
  /** Receives an event from the other end. */
  receive(event: FlowEvent, value: unknown): void;
  /** Fails the end, because the other thread is gone. */
  fail(error: unknown): void;
}

/** Sends events to the other thread; without events, wakes it to read the ring. */
type Post = (events?: FlowEvents, moves?: Transferable[]) => void;

/** One thread's side of all channels to another thread. */
export class Link {
  readonly clock: Clock;
  readonly #post: Post;
  readonly #ends = new Registry<LinkEnd>();
  /** Events for channels that are not joined yet, and the last channel joined. */
  readonly #early = new Registry<unknown[]>();
  #lastJoined = 0;
  /** Whether this is main, which numbers its channels upwards; a worker, downwards. */
  readonly #isMain: boolean;
  #lastId = 0;
  /** Events for the next message; until it is sent, no event goes through the ring. */
  #events: FlowEvents = [];
  #moves: Transferable[] = [];
  /** Number of messages sent, and number received. */
  #sent = 0;
  #received = 0;
  /** Whether events wait for the end of this turn. */
  #isInTurn = false;
  /** Whether there are events that the other thread has not been notified of. */
  #isUntold = false;
  /** Time when the other thread was last woken within this turn. */
  #wokenAt = 0;
  /** Blocks for sending and for receiving bytes that are too long for the ring. */
  #outputBlocks: Blocks | undefined;
  #inputBlocks: Blocks | undefined;
  /** Callback for jobs that have ended. */
  onEnded: ((seq: number) => void) | undefined;
  /** Ring that the other thread reads, and ring that it writes. */
  readonly #output: FlowRing | undefined;
  readonly #input: FlowRing | undefined;

  /**
   * @param rings This thread's rings; without rings, all events go by message
   * @param clock Clock of the channels
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

  /** Opens a channel at this end, and returns its id. */
  open(end: LinkEnd): number {
    const id = this.#lastId += this.#isMain ? 1 : -1;
    this.#ends.set(id, end);
    return id;
  }

  /** Opens the other end of a channel, which receives the events that came early. */
  join(id: number, end: LinkEnd): void {
    this.#ends.set(id, end);
    // Not all channels are joined in order.
    if (this.#isEarly(id)) this.#lastJoined = id;
    const events = this.#early.get(id);
    if (events === undefined) return;
    this.#early.delete(id);
    for (let i = 0; i < events.length; i += 2) {
      end.receive(events[i] as FlowEvent, events[i + 1]);
    }
  }

  /** Removes a channel; later events for it are dropped. */
  close(id: number): void {
    this.#ends.delete(id);
  }

  /** Sends an event to the other thread. */
  tell(
    id: number,
    event: FlowEvent,
    value?: unknown,
    moves?: readonly Transferable[],
  ): void {
    const isWritten = moves === undefined && this.#write(id, event, value);
    if (!isWritten) {
      // Endings of jobs pass here too, so a job must not be able to replace `push`.
      push(this.#events, id, event, value);
      if (moves !== undefined) this.#moves.push(...moves);
    }
    this.#flushSoon();
    // Once per turn is too seldom for large data. A long turn of a worker delays only
    // messages: main reads the ring meanwhile.
    if (
      event === FlowEvent.CREDIT || event === FlowEvent.BLOCK ||
      !isWritten && !this.#isMain
    ) this.#wake();
  }

  /** Reports that a job has ended, with the 32 bits of its number that the ring holds. */
  tellEnded(seq: number): void {
    this.tell(NO_CHANNEL, FlowEvent.ENDED, seq | 0);
  }

  /** Sends bytes through shared memory; returns `false` if they need a message. */
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

  /** Returns a block to fill and send, if a block is free. */
  takeBlock(): Uint8Array | undefined {
    if (this.#output === undefined) return undefined;
    if (this.#outputBlocks === undefined) {
      this.#outputBlocks = new Blocks();
      this.tell(NO_CHANNEL, FlowEvent.BLOCKS, this.#outputBlocks.buffer);
    }
    return this.#outputBlocks.take();
  }

  /** Sends the first bytes of a block; with length 0, frees the block. */
  tellBlock(id: number, block: Uint8Array, length: number): void {
    const blocks = this.#outputBlocks!;
    if (length === 0) blocks.free(blocks.indexOf(block));
    else this.tell(id, FlowEvent.BLOCK, blocks.place(block, length));
  }

  /** Releases received bytes, and frees their block, if any. */
  release(bytes: Uint8Array): void {
    const blocks = this.#inputBlocks;
    if (!blocks?.holds(bytes)) return;
    const index = blocks.indexOf(bytes);
    // In the ring, this event does not wake the other thread.
    if (!this.#write(NO_CHANNEL, FlowEvent.FREE, index)) {
      this.tell(NO_CHANNEL, FlowEvent.FREE, index);
    }
  }

  #write(id: number, event: FlowEvent, value: unknown): boolean {
    // In the ring, the event would overtake events that wait for the message.
    return this.#events.length === 0 && this.#output !== undefined &&
      this.#output.write(this.#sent, id, event, value);
  }

  #flushSoon(): void {
    this.#isUntold = true;
    if (this.#isInTurn) return;
    this.#begin();
    // Main does not know that a worker has begun a turn.
    if (!this.#isMain) this.#wake();
  }

  /** Begins a turn after a message of the other thread, which reads the ring meanwhile. */
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

  /** Whether the other thread is in a turn in which it can send events. */
  get isOtherInTurn(): boolean {
    return this.#input?.isInTurn ?? false;
  }

  /** Whether any channel is open. */
  get isUsed(): boolean {
    return this.#ends.size > 0;
  }

  /** Notifies the other thread within this turn. */
  #wake(): void {
    const now = performanceNow();
    if (now - this.#wokenAt < WAKE_EVERY) return;
    this.#wokenAt = now;
    this.flush();
  }

  /** Notifies the other thread of all events so far. */
  flush(): void {
    this.#isUntold = false;
    if (!this.send()) this.#post();
  }

  /** Records that another message wakes the other thread, which then reads the ring. */
  woken(): void {
    if (this.#events.length === 0) this.#isUntold = false;
  }

  /** Sends the events that need a message; returns `false` if there are none. */
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

  /** Receives the events of a message from the other thread. */
  receive(events: FlowEvents): void {
    this.read();
    for (let i = 0; i < events.length; i += 3) {
      this.#hear(
        events[i] as number,
        events[i + 1] as FlowEvent,
        events[i + 2],
      );
    }
    // Not earlier: a receiver of these events can read the ring.
    this.#received++;
    this.read();
  }

  /** Reads the ring. */
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
      // The message that describes the channel is still on its way.
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

  /** Returns whether an unknown channel is not joined yet; otherwise it is closed. */
  #isEarly(id: number): boolean {
    return this.#isMain ? id < this.#lastJoined : id > this.#lastJoined;
  }

  /** Fails all channels, because the other thread is gone. */
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
