// The list in which jobs travel: bare and flat, since it is sent all the time.
// What jobs have in common is said once: their sequence numbers follow each other,
// and their timeouts and traces are the same.

import { defineData, stringOf } from "../values/intrinsics.ts";
import { fromText } from "../values/plain_text.ts";

/**
 * For each job its id, its function's number, and its arguments: their count and
 * they themselves, or `AS_TEXT` and their text, or `AS_ARRAY` and all in one.
 */
export type JobList = unknown[];

/** How many items of a job stand before its arguments. */
const HEAD = 3;
/** Instead of a count of arguments: they come as one JSON text. */
const AS_TEXT = -1;
/** Instead of a count of arguments: they come as one array. */
const AS_ARRAY = -2;
/** Instead of an id: the next job's sequence number, from which on they are numbered. */
const NUMBERED_FROM = -1;
/** Instead of an id: how many ms the jobs from here on may execute. */
const TIMEOUT_FROM = -2;

/** Instead of an id: the trace that the jobs from here on are a part of; empty for none. */
const TRACE_FROM = -3;
/** Instead of an id: the next job runs beside those in progress, which wait for it. */
const ASIDE = -4;

/** What a list says of a job. */
interface ListedJob {
  readonly id: number;
  readonly fn: { readonly id: number };
  readonly args: readonly unknown[] | string;
  readonly seq: number;
  readonly timeout: number;
  readonly trace: string | undefined;
}

/** Main: writes jobs, in the order in which they are to start. */
export class JobListWriter {
  readonly list: JobList = [];
  /** How many ms the first of them to time out may execute. */
  shortestTimeout = Infinity;
  #seq = -1;
  #timeout = Infinity;
  #trace: string | undefined;

  write(job: ListedJob, isAside = false): void {
    const { list } = this;
    const { id, fn, args, seq, timeout, trace } = job;
    if (seq !== this.#seq) list.push(NUMBERED_FROM, seq);
    this.#seq = seq + 1;
    if (timeout !== this.#timeout) {
      list.push(TIMEOUT_FROM, timeout);
      this.#timeout = timeout;
      this.shortestTimeout = Math.min(this.shortestTimeout, timeout);
    }
    if (trace !== this.#trace) {
      list.push(TRACE_FROM, trace ?? "");
      this.#trace = trace;
    }
    if (isAside) list.push(ASIDE);
    if (typeof args === "string") list.push(id, fn.id, AS_TEXT, args);
    else {
      list.push(id, fn.id, args.length);
      for (const arg of args) list.push(arg);
    }
  }
}

/** Reads the jobs of a list. */
export class JobListReader {
  readonly #list: ArrayLike<unknown>;
  readonly #end: number;
  /** Where the job that was read last begins, and ends. */
  #from = 0;
  #to = 0;
  #nextSeq = 0;
  /** Of the job that was read last. */
  seq = 0;
  id = 0;
  functionId = 0;
  timeout = Infinity;
  trace: string | undefined = undefined;
  isAside = false;

  /** Reads a list, or the part of one from here to there. */
  constructor(list: ArrayLike<unknown>, from = 0, to: number = list.length) {
    this.#list = list;
    this.#to = from;
    this.#end = to;
  }

  /** Reads the next job; `false` if there is none. */
  read(): boolean {
    const list = this.#list;
    let at = this.#to;
    if (at >= this.#end) return false;
    if (list[at] === NUMBERED_FROM) {
      this.#nextSeq = list[at + 1] as number;
      at += 2;
    }
    if (list[at] === TIMEOUT_FROM) {
      this.timeout = list[at + 1] as number;
      at += 2;
    }
    if (list[at] === TRACE_FROM) {
      this.trace = list[at + 1] as string || undefined;
      at += 2;
    }
    this.isAside = list[at] === ASIDE;
    if (this.isAside) at++;
    this.seq = this.#nextSeq++;
    this.id = list[at] as number;
    this.functionId = list[at + 1] as number;
    const count = list[at + 2] as number;
    this.#from = at;
    this.#to = at + HEAD + (count < 0 ? 1 : count);
    return true;
  }

  /** Its arguments; each call gives a list of its own, and parses a text again. */
  get args(): unknown[] {
    const list = this.#list;
    const at = this.#from + HEAD;
    if (this.text !== undefined) return fromText(this.text) as unknown[];
    if (list[at - 1] === AS_ARRAY) return list[at] as unknown[];
    // Literals call no setter that a job may have put among the indexes.
    switch (this.#to - at) {
      case 0:
        return [];
      case 1:
        return [list[at]];
      case 2:
        return [list[at], list[at + 1]];
      case 3:
        return [list[at], list[at + 1], list[at + 2]];
    }
    const args: unknown[] = [];
    for (let i = at; i < this.#to; i++) {
      defineData(args, stringOf(i - at), list[i]);
    }
    return args;
  }

  /** Its arguments as text, if they come as one. */
  get text(): string | undefined {
    const at = this.#from + HEAD;
    return this.#list[at - 1] === AS_TEXT
      ? this.#list[at] as string
      : undefined;
  }

  /** What says how the job is to run, but for its arguments. */
  get #head(): JobList {
    const { seq, timeout, trace, isAside, id, functionId } = this;
    const head: JobList = [NUMBERED_FROM, seq];
    if (timeout < Infinity) head.push(TIMEOUT_FROM, timeout);
    if (trace !== undefined) head.push(TRACE_FROM, trace);
    if (isAside) head.push(ASIDE);
    head.push(id, functionId);
    return head;
  }

  /** The job as a list of its own. */
  get single(): JobList {
    const args = this.#from + HEAD - 1;
    return this.#head.concat((this.#list as JobList).slice(args, this.#to));
  }

  /** The same as JSON text, with its arguments as this text. */
  singleAsText(args: string): string {
    const head = JSON.stringify([...this.#head, AS_ARRAY]);
    return `${head.slice(0, -1)},${args}]`;
  }
}
