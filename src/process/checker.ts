// Checks all messages of a process, which is untrusted: a message must be one that a
// worker sends, about a job that the process has. To limit main's memory and time,
// the checker counts what each channel can still bring, and how many messages can
// come without a request.

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

/** Maximum number of bytes that can come for channels before their streams. */
const MOST_EARLY = 64 * 1024 * 1024;
/** Maximum number of channels to count; above it, all counts start over. */
const MOST_CHANNELS = 16 * 1024;

/** Total number of messages and events that a process may send without a request. */
const UNASKED = 10_000;
/** Additional number for each job that main sends to the process. */
const PER_JOB = 1_000;
/** Additional number for each channel: chunks that fit the window, and other events. */
const PER_CHANNEL = WINDOW / LEAST + 16;

/** Checks the messages of one process. */
export class Checker {
  readonly #running: ReadonlySet<number>;
  readonly #mostEarly: number;
  /** The job sent last: a job that is stopped just as it ends can be reported twice. */
  #lastSent = -1;
  #isReady = false;
  /** Credit of each channel for chunks from the process. */
  readonly #credits = new Amounts();
  /** Amount sent on each channel that the process can still return as credit. */
  readonly #taken = new Amounts();
  /** Lowest id of a channel that the process has opened with a result. */
  #lastOpened = 0;
  /** Number of bytes that have come for channels that no result has opened. */
  #early = 0;
  /** Number of messages and events that the process may still send. */
  #allowance = UNASKED;

  /**
   * @param running Jobs that the process has
   * @param longest Maximum length of a message in bytes
   */
  constructor(running: ReadonlySet<number>, longest: number) {
    this.#running = running;
    this.#mostEarly = MOST_EARLY + longest;
  }

  /** Allows messages for a sent job; each value that moves has up to two channels. */
  sent(seq: number, moved: number): void {
    this.#lastSent = seq;
    this.#allowance += PER_JOB + moved * 2 * PER_CHANNEL;
  }

  /** Allows the process to answer events of channels that main sends. */
  told(events: FlowEvents): void {
    for (let i = 0; i < events.length; i += 3) {
      const [id, op] = [events[i] as number, events[i + 1]];
      const value = events[i + 2];
      // For answers to the event.
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
   * Returns the received value as a message.
   *
   * @throws {Error} If no worker would send the value
   */
  check(received: unknown): FromProcess {
    if (Array.isArray(received)) {
      this.#count();
      // The job's number, and its result unless that is `undefined`.
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
      // A second report of the same job is ignored.
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

  /** Allows messages for the streams of a result. */
  #open(ending: Ending): void {
    if (ending.kind !== "value" || ending.moved === undefined) return;
    const ids = streamsIn(ending.moved);
    // Main keeps chunks until a reader takes them.
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
    // Chunks can come before the result that contains their stream.
    if (!isChunk || !isUnknown) this.#count();
    if (isUnknown) {
      this.#early += size;
      need(this.#early <= this.#mostEarly, "a stream that it tells of");
    }
    // A sender continues while it has credit: only the last chunk can exceed it.
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

/** An amount for each channel, which starts as the window. */
class Amounts extends Map<number, number> {
  /** Adds to the amount of a channel, and returns the sum. */
  add(id: number, by: number): number {
    if (this.size > MOST_CHANNELS) this.clear();
    const amount = (this.get(id) ?? WINDOW) + by;
    this.set(id, amount);
    return amount;
  }
}

/** Parts of a description that name channels of streams; their shape is checked. */
interface Streams {
  id?: number;
  readable?: Streams;
  writable?: Streams;
  body?: Streams | string | Uint8Array;
}

/** Returns the ids of the channels of all streams that have moved with a result. */
function streamsIn(list: MovedList): number[] {
  const idsOf = ({ id, readable, writable, body }: Streams): number[] => [
    ...id === undefined ? [] : [id],
    ...readable ? idsOf(readable) : [],
    ...writable ? idsOf(writable) : [],
    ...typeof body === "object" && "kind" in body ? idsOf(body as Streams) : [],
  ];
  return list.flatMap(([, moved]) => idsOf(moved as Streams));
}

/** Returns the stated size of an object, which must be at least half its weight. */
function sizeOfObject(value: unknown): number {
  need(isList(value) && value.length === 2, "an object and its size");
  const [object, size] = value;
  need(
    isAmount(size) && 2 * size >= weightOf(object),
    "the size of an object",
  );
  return size;
}

/** Returns the weight of an object, or of several objects as one text. */
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

/** Number of bytes of a clone for each object; a string or a key counts as half. */
const OBJECT = 4;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BRACE = 0x7b;
const BRACKET = 0x5b;

/**
 * Checks how many objects a JSON text has. A limit of its length is not enough: an
 * object of a few bytes can take a hundred times as many in main.
 *
 * @param densest Maximum length of a clone in bytes
 * @throws {RangeError} If the text has many more objects than such a clone
 */
export function checkText(bytes: Uint8Array, densest: number): void {
  if (bytes.length <= densest) return;
  let left = 2 * densest / OBJECT;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at];
    if (byte === BRACE || byte === BRACKET) left -= 2;
    else if (byte === QUOTE) {
      left--;
      // Skip to the end of the string.
      while (++at < bytes.length && bytes[at] !== QUOTE) {
        if (bytes[at] === BACKSLASH) at++;
      }
    }
    if (left < 0) throw new RangeError("A message has too many objects");
  }
}
