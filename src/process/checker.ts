// Checks what comes out of a process, of which nothing is certain: it may say only
// what a worker says, of jobs that it has. It may fill main's memory, or keep main
// busy, no more than it was let: what may come for each channel is counted, and so
// are the messages that nobody has asked for.

import { FlowEvent, type FlowEvents } from "../flow/events.ts";
import { LEAST, sizeOf, WINDOW } from "../flow/window.ts";
import type { MovedList } from "../moving/kind.ts";
import { weigh } from "../moving/weigh.ts";
import type { Ending } from "../wire/protocol.ts";
import type { FromProcess } from "./protocol.ts";
import {
  isAmount,
  isList,
  isMessage,
  isObject,
  isPackedError,
} from "./shapes.ts";

/** The most bytes that may come for channels before their streams. */
const MOST_EARLY = 64 * 1024 * 1024;
/** The most channels of which it is known what they may still bring. */
const MOST_CHANNELS = 16 * 1024;

/** Unasked messages and events that a process may send, altogether. */
const UNASKED = 10_000;
/** And for each job that it is sent. */
const PER_JOB = 1_000;
/** And for each channel: as many chunks as the window lets come, and all else. */
const PER_CHANNEL = WINDOW / LEAST + 16;

/** Checks the messages of one process. */
export class Checker {
  readonly #running: ReadonlySet<number>;
  readonly #mostEarly: number;
  /** The job that was sent last: one that is stopped just when it has ended is told of twice. */
  #lastSent = -1;
  #isReady = false;
  /** How much each channel may still bring. */
  readonly #credits = new Amounts();
  /** How much of what each channel took there may still be given back as credit. */
  readonly #taken = new Amounts();
  /** The lowest number of a channel that the process has opened, and told of. */
  #lastOpened = 0;
  /** How much has come for channels that it has not told of. */
  #early = 0;
  /** How many messages and events may still come. */
  #allowance = UNASKED;

  /**
   * @param running The jobs that the process has
   * @param longest How much may come at once, in bytes
   */
  constructor(running: ReadonlySet<number>, longest: number) {
    this.#running = running;
    this.#mostEarly = MOST_EARLY + longest;
  }

  /** Main sends a job, with this number of things that move, which may have two channels each. */
  sent(seq: number, moved: number): void {
    this.#lastSent = seq;
    this.#allowance += PER_JOB + moved * 2 * PER_CHANNEL;
  }

  /** Main tells something of channels: lets more come, or brings it. */
  told(events: FlowEvents): void {
    for (let i = 0; i < events.length; i += 3) {
      const [id, op] = [events[i] as number, events[i + 1]];
      const value = events[i + 2];
      // What has come can be answered.
      this.#allowance += 2;
      if (op === FlowEvent.CREDIT) {
        this.#credits.add(id, value as number);
        this.#allowance += (value as number) / LEAST;
      } else if (op === FlowEvent.DATA) this.#taken.add(id, sizeOf(value));
      else if (op === FlowEvent.OBJECT) {
        this.#taken.add(id, (value as [unknown, number])[1]);
      }
    }
  }

  /**
   * A message that can be taken as what it is.
   *
   * @throws {Error} If no worker would send it
   */
  check(received: unknown): FromProcess {
    if (Array.isArray(received)) {
      this.#count();
      // One by one: a list of results has as many as there are jobs.
      need(received.length === 1 || received.length === 2, "a result");
      this.#checkJob(received[0]);
      return received;
    }
    need(isMessage(received), "a message of a worker");
    const message = received as Exclude<FromProcess, unknown[]>;
    if (message.kind === "flow") this.#checkEvents(message.events);
    else this.#count();
    if (message.kind === "ready") {
      need(!this.#isReady, "to be ready once");
      this.#isReady = true;
    } else if (message.kind === "waits" || message.kind === "started") {
      this.#checkJob(message.seq);
    } else if (message.kind === "ended") {
      this.#checkJob(message.seq);
      // Told of twice, it is not listened to.
      if (this.#running.has(message.seq)) this.#open(message.ending);
    }
    return message;
  }

  #count(): void {
    need(--this.#allowance >= 0, "fewer messages");
  }

  #checkJob(seq: unknown): void {
    const isKnown = this.#running.has(seq as number) || seq === this.#lastSent;
    need(isKnown, "a job that it has");
  }

  /** Opens the streams of a result. */
  #open(ending: Ending): void {
    if (ending.kind !== "value" || ending.moved === undefined) return;
    const ids = streamsIn(ending.moved);
    // Main keeps what comes before somebody reads it.
    need(ids.length * WINDOW <= this.#mostEarly, "fewer streams in a result");
    if (ids.length === 0) return;
    this.#lastOpened = Math.min(this.#lastOpened, ...ids);
    this.#allowance += ids.length * PER_CHANNEL;
    this.#early = 0;
  }

  #checkEvents(events: FlowEvents): void {
    if (events.length === 0) this.#count();
    for (let i = 0; i < events.length; i += 3) {
      const id = events[i];
      need(Number.isSafeInteger(id) && id !== 0, "a channel");
      this.#checkEvent(id as number, events[i + 1], events[i + 2]);
    }
  }

  #checkEvent(id: number, op: unknown, value: unknown): void {
    const isUnknown = id < this.#lastOpened;
    const isChunk = op === FlowEvent.DATA || op === FlowEvent.OBJECT;
    const size = op === FlowEvent.OBJECT ? sizeOfObject(value) : sizeOf(value);
    // Chunks may come before the result that their stream is a part of.
    if (!isChunk || !isUnknown) this.#count();
    if (isUnknown) {
      this.#early += size;
      need(this.#early <= this.#mostEarly, "a stream that it tells of");
    }
    // A sender goes on while it has credit: only the last chunk may exceed it.
    if (isChunk) {
      return need(
        this.#credits.add(id, -size) > -size,
        "no more than its credit",
      );
    }
    switch (op) {
      case FlowEvent.CREDIT:
        return need(
          isAmount(value) && this.#taken.add(id, -value) >= 0,
          "a credit for what it has taken",
        );
      case FlowEvent.END:
        this.#credits.delete(id);
        return need(value === undefined || isPackedError(value), "an error");
      case FlowEvent.STOP:
        return need(isPackedError(value), "an error");
      case FlowEvent.DONE:
      case FlowEvent.CALL:
        return need(value === undefined, "an event without a value");
      default:
        need(false, "an event of a channel");
    }
  }
}

/** Numbers of channels, which begin with the window. */
class Amounts extends Map<number, number> {
  /** Adds to one, and gives the sum. */
  add(id: number, by: number): number {
    if (this.size > MOST_CHANNELS) this.clear();
    const amount = (this.get(id) ?? WINDOW) + by;
    this.set(id, amount);
    return amount;
  }
}

/** What of a description names the channels of its streams; its shape is checked. */
interface Streams {
  id?: number;
  readable?: Streams;
  writable?: Streams;
  body?: Streams | string | Uint8Array;
}

/** The channels of all streams that have moved with a result. */
function streamsIn(list: MovedList): number[] {
  const idsOf = ({ id, readable, writable, body }: Streams): number[] => [
    ...id === undefined ? [] : [id],
    ...readable ? idsOf(readable) : [],
    ...writable ? idsOf(writable) : [],
    ...typeof body === "object" && "kind" in body ? idsOf(body as Streams) : [],
  ];
  return list.flatMap(([, moved]) => idsOf(moved as Streams));
}

/** The size that is told of an object, which is about what it holds. */
function sizeOfObject(value: unknown): number {
  need(isList(value) && value.length === 2, "an object and its size");
  const [object, size] = value;
  need(
    isAmount(size) && 2 * size >= weightOf(object),
    "the size of an object",
  );
  return size;
}

/** What an object takes, or the text of several. */
function weightOf(value: unknown): number {
  if (typeof value === "string") return Math.min(value.length, WINDOW);
  return isObject(value) ? weigh(value) : Infinity;
}

function need(condition: boolean, what: string): asserts condition {
  if (condition) return;
  throw new Error(
    `The process has written what no worker writes: expected ${what}`,
  );
}

/** Bytes of a clone that count as one object; a string, or a key, is half of one. */
const OBJECT = 4;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const BRACKET = 0x5b;

/**
 * Checks a text of JSON: a few bytes can be an object that takes main a hundred
 * times as many, so that its length alone is no bound.
 *
 * @param densest No clone may be longer, in bytes
 * @throws {RangeError} If it has many more objects than such a clone
 */
export function checkText(bytes: Uint8Array, densest: number): void {
  if (bytes.length <= densest) return;
  let left = 2 * densest / OBJECT;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === BRACE || byte === BRACKET) left -= 2;
    else if (byte === QUOTE) {
      left--;
      // To the end of the string.
      while (++at < bytes.length && bytes[at] !== QUOTE) {
        if (bytes[at] === BACKSLASH) at++;
      }
    }
    if (left < 0) throw new RangeError("A message has too many objects");
  }
}
