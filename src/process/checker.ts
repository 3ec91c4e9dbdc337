// Checks what comes out of a process, of which nothing is certain: it may say
// only what a worker says, of jobs and channels that it has, and no more than it
// was let. It may not keep main busy either: what it says is counted, and main
// takes so many messages for each thing that it has asked for.

import { FlowEvent, type FlowEvents } from "../flow/events.ts";
import { LEAST, sizeOf, WINDOW } from "../flow/window.ts";
import { areDetails } from "../moving/http_fields.ts";
import { weigh } from "../moving/weigh.ts";
import type { FromWorker } from "../wire/protocol.ts";

/** What a process says: what any worker says, and some more. */
export type FromProcess =
  | Exclude<FromWorker, number | { kind: "alive" }>
  /** Its job goes on by itself, so that it can take another one. */
  | { kind: "waits"; seq: number }
  /** Its jobs may now be such that may only execute for so long. */
  | { kind: "guarded" };

/** What the process may say something of. */
export interface Known {
  /** Whether it has this job. */
  isRunning(seq: number): boolean;
  /** Whether it ever had it. */
  wasSent(seq: number): boolean;
}

/** So deep and so many errors may be in one. */
const DEEPEST = 128;
const MOST_ERRORS = 10_000;
/** So many bytes, at most, may come for channels before their streams. */
const MOST_EARLY = 64 * 1024 * 1024;

/** Of so many channels it is known what they may still bring. */
const MOST_CHANNELS = 16 * 1024;

/** So many messages and events a process may send unasked, altogether. */
const UNASKED = 10_000;
/** So many more for each job that it is sent. */
const PER_JOB = 1_000;
/** So many more for each channel: as many chunks as the window lets come, and all else. */
const PER_CHANNEL = WINDOW / LEAST + 16;

/** What channels may tell main, apart from chunks. */
const OPS = new Set<unknown>([
  FlowEvent.DATA,
  FlowEvent.END,
  FlowEvent.CREDIT,
  FlowEvent.STOP,
  FlowEvent.DONE,
  FlowEvent.CALL,
  FlowEvent.OBJECT,
]);

/** Checks the messages of one process. */
export class Checker {
  readonly #known: Known;
  readonly #longest: number;
  #isReady = false;
  /** How much each channel may still bring, as far as that is not the whole window. */
  readonly #credits = new Map<number, number>();
  /** How much of what each channel took there may still be given back as credit, likewise. */
  readonly #taken = new Map<number, number>();
  /** The lowest number of a channel that the process has opened, and told of. */
  #lastOpened = 0;
  /** How much has come for channels that it has not told of. */
  #early = 0;
  /** How many streams the result has that is being checked. */
  #opened = 0;
  /** How many messages and events may still come. */
  #allowance = UNASKED;

  /** @param longest How much may come at once, in bytes */
  constructor(known: Known, longest: number) {
    this.#known = known;
    this.#longest = longest;
  }

  /** Main sends a job, with so many things of which each may have two channels. */
  sent(moved: number): void {
    this.#allowance += PER_JOB + moved * 2 * PER_CHANNEL;
  }

  /** Main tells something of channels: lets more come, or brings it. */
  told(events: FlowEvents): void {
    for (let i = 0; i < events.length; i += 3) {
      const [id, op, value] = [
        events[i] as number,
        events[i + 1],
        events[i + 2],
      ];
      // What has come can be answered.
      this.#allowance += 2;
      if (op === FlowEvent.CREDIT) {
        change(this.#credits, id, value as number);
        this.#allowance += (value as number) / LEAST;
      } else if (op === FlowEvent.DATA) change(this.#taken, id, sizeOf(value));
      else if (op === FlowEvent.OBJECT) {
        change(this.#taken, id, (value as [unknown, number])[1]);
      }
    }
  }

  /**
   * A message that can be taken as what it is.
   *
   * @throws {Error} If no worker would send it
   */
  check(message: unknown): FromProcess {
    if (Array.isArray(message)) {
      this.#count(1);
      // Once by one: a list of results has as many as there are jobs.
      const [seq] = message;
      need(message.length === 1 || message.length === 2, "a result");
      this.#checkSeq(seq);
      return message;
    }
    need(isObject(message), "a message");
    const said = message;
    if (said.kind !== "flow") this.#count(1);
    switch (said.kind) {
      case "ready":
        need(!this.#isReady, "to be ready once");
        this.#isReady = true;
        break;
      case "grown":
      case "guarded":
        break;
      case "failed":
      case "crashed":
        this.#checkError(said.error);
        break;
      case "waits":
        this.#checkSeq(said.seq);
        break;
      case "ended":
        this.#checkSeq(said.seq);
        // Told of twice, it is not listened to.
        if (this.#known.isRunning(said.seq as number)) {
          this.#opened = 0;
          this.#checkEnding(said.ending);
        }
        break;
      case "flow":
        this.#checkEvents(said.events);
        break;
      default:
        throw refusal("a kind of message");
    }
    return said as unknown as FromProcess;
  }

  #count(messages: number): void {
    this.#allowance -= messages;
    need(this.#allowance >= 0, "fewer messages");
  }

  #checkSeq(seq: unknown): void {
    const { isRunning, wasSent } = this.#known;
    need(
      typeof seq === "number" && (isRunning(seq) || wasSent(seq)),
      "a job that it has",
    );
  }

  #checkEnding(ending: unknown): void {
    need(isObject(ending), "an ending");
    switch (ending.kind) {
      case "value":
        if (ending.moved !== undefined) this.#checkMoved(ending.moved);
        return;
      case "error":
        return this.#checkError(ending.error);
      case "not-found":
      case "not-cloneable":
        return need(typeof ending.message === "string", "a message");
      case "timed-out":
        return;
      default:
        throw refusal("an ending");
    }
  }

  #checkMoved(list: unknown): void {
    need(isList(list), "a list of what has moved");
    for (const item of list) {
      need(isList(item) && item.length === 2, "something that has moved");
      const [placeholder, moved] = item;
      need(isObject(placeholder) && isObject(moved), "what has moved");
      switch (moved.kind) {
        case "readable":
        case "writable":
          this.#checkStream(moved);
          break;
        case "transform":
          need(
            isObject(moved.readable) && isObject(moved.writable),
            "the streams of a transform",
          );
          this.#checkStream(moved.readable);
          this.#checkStream(moved.writable);
          break;
        case "request":
        case "response":
          this.#checkMessage(moved);
          break;
        case "value":
          need(typeof moved.type === "string", "a type");
          break;
        default:
          throw refusal("what can move back");
      }
    }
  }

  #checkMessage(message: Record<string, unknown>): void {
    const { kind, headers, details, body, signal, aborted } = message;
    const isRequest = kind === "request";
    const { url, method, status, statusText } = message;
    need(
      isRequest
        ? typeof url === "string" && typeof method === "string"
        : Number.isInteger(status) && typeof statusText === "string",
      "a request or response",
    );
    need(
      isList(headers) && headers.every((header) => {
        return isList(header) && header.length === 2 &&
          header.every((part) => typeof part === "string");
      }),
      "headers",
    );
    need(areDetails(details, isRequest), "a request or response");
    need(signal === undefined, "a request without a signal");
    if (aborted !== undefined) this.#checkError(aborted);
    if (isObject(body) && "kind" in body) this.#checkStream(body);
  }

  #checkStream({ id, credit = 0, ended }: Record<string, unknown>): void {
    need(isId(id) && id < 0, "a stream");
    if (ended !== undefined) {
      need(isObject(ended), "the end of a stream");
      if (ended.error !== undefined) this.#checkError(ended.error);
    }
    need(isAmount(credit) && credit <= WINDOW, "a credit");
    this.#lastOpened = Math.min(this.#lastOpened, id);
    this.#allowance += PER_CHANNEL;
    // Main keeps what comes before somebody reads it.
    need(
      ++this.#opened * WINDOW <= MOST_EARLY + this.#longest,
      "fewer streams in a result",
    );
    this.#early = 0;
  }

  #checkEvents(events: unknown): void {
    need(isList(events) && events.length % 3 === 0, "events");
    if (events.length === 0) this.#count(1);
    for (let i = 0; i < events.length; i += 3) {
      this.#checkEvent(events[i], events[i + 1], events[i + 2]);
    }
  }

  #checkEvent(id: unknown, op: unknown, value: unknown): void {
    need(isId(id) && OPS.has(op), "an event of a channel");
    const size = op === FlowEvent.DATA
      ? sizeOf(value)
      : op === FlowEvent.OBJECT
      ? sizeOfObject(value)
      : sizeOf(undefined);
    const isChunk = op === FlowEvent.DATA || op === FlowEvent.OBJECT;
    // Chunks may come before the result that their stream is a part of.
    if (!isChunk || id >= this.#lastOpened) this.#count(1);
    if (id < this.#lastOpened) {
      this.#early += size;
      need(
        this.#early <= MOST_EARLY + this.#longest,
        "a stream that it tells of",
      );
    }
    switch (op) {
      case FlowEvent.DATA:
      case FlowEvent.OBJECT:
        return this.#spend(id, size);
      case FlowEvent.CREDIT:
        return need(
          isAmount(value) && change(this.#taken, id, -value) >= 0,
          "a credit for what it has taken",
        );
      case FlowEvent.END:
        this.#credits.delete(id);
        if (value !== undefined) this.#checkError(value);
        return;
      case FlowEvent.STOP:
        return this.#checkError(value);
      default:
        return need(value === undefined, "an event without a value");
    }
  }

  /** A sender goes on while it has credit, so that only the last chunk may exceed it. */
  #spend(id: number, size: number): void {
    need(
      change(this.#credits, id, -size) > -size,
      "no more than it was let send",
    );
  }

  #checkError(packed: unknown): void {
    const seen = new Set<unknown>();
    const check = (error: unknown, depth: number): void => {
      need(isObject(error), "an error");
      if (seen.has(error)) return;
      seen.add(error);
      need(
        depth <= DEEPEST && seen.size <= MOST_ERRORS,
        "an error of that size",
      );
      if (Object.hasOwn(error, "thrown")) return;
      const { base, name, message, stack, nested, errors, properties } = error;
      need(
        typeof base === "string" && typeof name === "string" &&
          typeof message === "string" &&
          (stack === undefined || typeof stack === "string") &&
          isList(nested) && isObject(properties) && !Array.isArray(properties),
        "an error",
      );
      for (const item of nested) {
        need(isList(item) && item.length === 2, "an error");
        const [key, inner] = item;
        need(typeof key === "string", "an error");
        check(inner, depth + 1);
      }
      if (errors === undefined) return;
      need(isList(errors), "errors");
      for (const inner of errors) check(inner, depth + 1);
    };
    check(packed, 0);
  }
}

/** The size that is told of an object, which is about what it holds. */
function sizeOfObject(value: unknown): number {
  need(isList(value) && value.length === 2, "an object and its size");
  const [object, size] = value;
  need(
    isObject(object) && isAmount(size) && 2 * size >= weigh(object),
    "the size of an object",
  );
  return size;
}

/** Adds to a number of a channel, which begins with the window. */
function change(
  amounts: Map<number, number>,
  id: number,
  by: number,
): number {
  if (amounts.size > MOST_CHANNELS) amounts.clear();
  const amount = (amounts.get(id) ?? WINDOW) + by;
  amounts.set(id, amount);
  return amount;
}

function need(condition: boolean, what: string): asserts condition {
  if (!condition) throw refusal(what);
}

function refusal(what: string): Error {
  return new Error(
    `The process has written what no worker writes: expected ${what}`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

/** An array without holes: one could say that it has billions of items. */
function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && Object.keys(value).length === value.length;
}

function isId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) &&
    value !== 0;
}

function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Infinity;
}
