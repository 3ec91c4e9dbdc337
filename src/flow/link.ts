// What the channels between main and one worker have to say: what is short goes
// through shared memory, the rest in one message a turn, since a message costs
// more than all that a small request has to say.

import { BLOCK, Blocks } from "./blocks.ts";
import { push } from "../values/intrinsics.ts";
import { ChurnMap } from "./churn_map.ts";
import { Op } from "./op.ts";
import { LONGEST, type Ring } from "./ring.ts";
import { atEndOfTurn } from "./turn.ts";

/** As it was before any job could overwrite it. */
const performanceNow = performance.now.bind(performance);

/** Instead of a channel's id, for what is of no channel. */
const NO_CHANNEL = 0;

/** The other thread is woken in the middle of a turn, but only every so many ms. */
const WAKE_EVERY = 1;

/** Events, bare and flat: for each the channel's id, what it tells, and with what value. */
export type FlowEvents = unknown[];

/** One end of a channel, as its link knows it. */
export interface LinkEnd {
  /** The other end tells something. */
  receive(op: Op, value: unknown): void;
  /** The other thread is gone. */
  fail(error: unknown): void;
}

/** Sends events to the other thread, or, without any, wakes it: there is something in the ring. */
type Post = (
  events?: FlowEvents,
  moves?: Transferable[],
) => void;

/** One thread's side of all channels to another thread. */
export class Link {
  readonly #post: Post;
  readonly #ends = new ChurnMap<LinkEnd>();
  /** What has come for channels before they were joined, and which was joined last. */
  readonly #early = new ChurnMap<FlowEvents>();
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
  /** Hears of jobs that have ended. */
  onEnded: ((seq: number) => void) | undefined;
  /** Where the other thread reads, or writes. */
  readonly #output: Ring;
  readonly #input: Ring;

  constructor(
    post: Post,
    isMain: boolean,
    rings: { output: Ring; input: Ring },
  ) {
    this.#post = post;
    this.#isMain = isMain;
    this.#output = rings.output;
    this.#input = rings.input;
  }

  /** Opens a channel at this end, to which goes what comes for it; gives its id. */
  open(end: LinkEnd): number {
    const id = this.#lastId += this.#isMain ? 1 : -1;
    this.#ends.set(id, end);
    return id;
  }

  /** The same for one that the other thread has opened; what has come already comes now. */
  join(id: number, end: LinkEnd): void {
    this.#ends.set(id, end);
    // Not all are joined in their order.
    if (this.#isEarly(id)) this.#lastJoined = id;
    const events = this.#early.get(id);
    if (events === undefined) return;
    this.#early.delete(id);
    for (let i = 0; i < events.length; i += 2) {
      end.receive(events[i] as Op, events[i + 1]);
    }
  }

  /** Forgets a channel: what still comes for it is dropped. */
  close(id: number): void {
    this.#ends.delete(id);
  }

  /** Tells the other thread something. */
  tell(
    id: number,
    op: Op,
    value?: unknown,
    moves?: readonly Transferable[],
  ): void {
    if (moves === undefined && this.#tellShort(id, op, value)) {
      // Somebody waits to send much.
      if (op === Op.CREDIT) this.#wake();
      return;
    }
    push(this.#events, id, op, value);
    if (moves !== undefined) {
      for (let i = 0; i < moves.length; i++) push(this.#moves, moves[i]);
    }
    this.#flushSoon();
    // Main sees the ring in the middle of a turn, but no message that is not sent.
    if (!this.#isMain) this.#wake();
  }

  /** Tells that a job has ended. */
  tellEnded(seq: number): void {
    this.tell(NO_CHANNEL, Op.ENDED, seq);
  }

  /** Tells bytes, where that takes no message; `false`, and nothing is told, where it does. */
  tellBytes(id: number, bytes: Uint8Array): boolean {
    if (bytes.length <= LONGEST) return this.#tellShort(id, Op.DATA, bytes);
    if (bytes.length > BLOCK) return false;
    const block = this.takeBlock();
    if (block === undefined) return false;
    block.set(bytes);
    this.tellBlock(id, block, bytes.length);
    return true;
  }

  /** A block that can be filled and told of, if one is free. */
  takeBlock(): Uint8Array | undefined {
    if (!this.#output.isShared) return undefined;
    if (this.#outputBlocks === undefined) {
      this.#outputBlocks = new Blocks();
      this.tell(NO_CHANNEL, Op.BLOCKS, this.#outputBlocks.buffer);
    }
    return this.#outputBlocks.take();
  }

  /** Tells what has been filled of a block; of nothing, it is free again. */
  tellBlock(id: number, block: Uint8Array, length: number): void {
    const blocks = this.#outputBlocks!;
    if (length === 0) return blocks.free(blocks.indexOf(block));
    this.tell(id, Op.BLOCK, blocks.place(block, length));
    this.#wake();
  }

  /** Whoever has read bytes, of a block or not, needs them no more. */
  release(bytes: Uint8Array): void {
    const blocks = this.#inputBlocks;
    // That need not wake anybody.
    if (!blocks?.holds(bytes)) return;
    const index = blocks.indexOf(bytes);
    if (!this.#write(NO_CHANNEL, Op.FREE, index)) {
      this.tell(NO_CHANNEL, Op.FREE, index);
    }
  }

  #tellShort(id: number, op: Op, value: unknown): boolean {
    if (!this.#write(id, op, value)) return false;
    this.#flushSoon();
    return true;
  }

  #write(id: number, op: Op, value: unknown): boolean {
    // In the ring it would overtake what is to be sent.
    return this.#events.length === 0 &&
      this.#output.write(this.#sent, id, op, value);
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
    this.#isInTurn = this.#output.isInTurn = true;
    atEndOfTurn(() => {
      this.#isInTurn = this.#output.isInTurn = false;
      this.#wokenAt = 0;
      if (this.#isUntold) this.flush();
    });
  }

  /** Whether the other thread is in the middle of a turn in which it may tell something. */
  get isOtherInTurn(): boolean {
    return this.#input.isInTurn;
  }

  /** Whether any channel is open. */
  get isUsed(): boolean {
    return this.#ends.size > 0;
  }

  /** What has been told is worth to be heard while this turn goes on. */
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
      this.#hear(events[i] as number, events[i + 1] as Op, events[i + 2]);
    }
    // Not before: whoever hears of an event may look into the ring.
    this.#received++;
    this.read();
  }

  /** Looks into the ring. */
  read(): void {
    this.#input.read(this.#received, this.#hear);
  }

  readonly #hear = (id: number, op: Op, value: unknown): void => {
    if (op === Op.BLOCK) value = this.#inputBlocks!.at(value as number);
    const end = this.#ends.get(id);
    if (end !== undefined) end.receive(op, value);
    else if (id === NO_CHANNEL) this.#hearOfNone(op, value);
    else if (!this.#isEarly(id)) {
      if (op === Op.BLOCK) this.release(value as Uint8Array);
    } else {
      // What tells of the channel itself is on its way.
      const events = this.#early.get(id);
      if (events === undefined) this.#early.set(id, [op, value]);
      else push(events, op, value);
    }
  };

  #hearOfNone(op: Op, value: unknown): void {
    if (op === Op.ENDED) this.onEnded?.(value as number);
    else if (op === Op.FREE) this.#outputBlocks!.free(value as number);
    else this.#inputBlocks = new Blocks(value as SharedArrayBuffer);
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
    for (const end of this.#ends.clear()) end.fail(error);
  }
}
