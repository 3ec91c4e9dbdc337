// The list in which jobs travel. It is sent constantly, so it is flat and has no
// names. Consecutive sequence numbers, and repeated timeouts and traces, are
// written once.

import { defineData, stringOf } from "../values/intrinsics.ts";
import { fromText } from "../values/plain_text.ts";

/**
 * For each job: its id, its function's number, and its arguments, as their count and
 * each of them, as `AS_TEXT` and a text, or as `AS_ARRAY` and an array.
 */
export type JobList = unknown[];

/** Number of entries of a job before its arguments. */
const HEAD = 3;
/** In place of the number of arguments: one JSON text of the arguments follows. */
const AS_TEXT = -1;
/** In place of the number of arguments: one array of the arguments follows. */
const AS_ARRAY = -2;
/** In place of an id: the next job's sequence number, from which later jobs count on. */
const NUMBERED_FROM = -1;
/** In place of an id: the timeout in ms of the jobs from here on. */
const TIMEOUT_FROM = -2;

/** In place of an id: the trace of the jobs from here on; empty for none. */
const TRACE_FROM = -3;
/** In place of an id: the next job runs aside, because jobs in progress wait for it. */
const ASIDE = -4;

/** The fields of a job that a list contains. */
interface ListedJob {
  readonly id: number;
  readonly fn: { readonly id: number };
  readonly args: readonly unknown[] | string;
  readonly seq: number;
  readonly timeout: number;
  readonly trace: string | undefined;
}

/** Main: writes jobs in the order in which they start. */
export class JobListWriter {
  readonly list: JobList = [];
  /** Shortest timeout in ms of the jobs. */
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
  /** Where the last job read begins and ends. */
  #from = 0;
  #to = 0;
  #nextSeq = 0;
  /** The fields of the last job read. */
  seq = 0;
  id = 0;
  functionId = 0;
  timeout = Infinity;
  trace: string | undefined = undefined;
  isAside = false;

  /** Reads a list, or the part of it between two indexes. */
  constructor(list: ArrayLike<unknown>, from = 0, to: number = list.length) {
    this.#list = list;
    this.#to = from;
    this.#end = to;
  }

  /** Reads the next job. Returns `false` if there is none. */
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

  /** The job's arguments. Each call parses a text again; `AS_ARRAY` is not copied. */
  get args(): unknown[] {
    const list = this.#list;
    const at = this.#from + HEAD;
    if (this.text !== undefined) return fromText(this.text) as unknown[];
    if (list[at - 1] === AS_ARRAY) return list[at] as unknown[];
    // Literals call no setter that a job may have defined for an index.
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

  /** The job's arguments as text, if they came as text. */
  get text(): string | undefined {
    const at = this.#from + HEAD;
    return this.#list[at - 1] === AS_TEXT
      ? this.#list[at] as string
      : undefined;
  }

  /** The entries of the job before its arguments. */
  get #head(): JobList {
    const { seq, timeout, trace, isAside, id, functionId } = this;
    const head: JobList = [NUMBERED_FROM, seq];
    if (timeout < Infinity) head.push(TIMEOUT_FROM, timeout);
    if (trace !== undefined) head.push(TRACE_FROM, trace);
    if (isAside) head.push(ASIDE);
    head.push(id, functionId);
    return head;
  }

  /** A list that contains only this job. */
  get single(): JobList {
    const args = this.#from + HEAD - 1;
    return this.#head.concat((this.#list as JobList).slice(args, this.#to));
  }

  /** Returns the same list as JSON text, with this text as its arguments. */
  singleAsText(args: string): string {
    const head = JSON.stringify([...this.#head, AS_ARRAY]);
    return `${head.slice(0, -1)},${args}]`;
  }
}
