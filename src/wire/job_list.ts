// The list in which jobs travel: bare and flat, since it is sent all the time.
// What jobs have in common is said once: their sequence numbers follow each other,
// and their timeouts are the same.

import { fromText } from "../values/plain_text.ts";

/**
 * For each job its id, its function's number, and its arguments: their count and
 * they themselves, or `AS_TEXT` and their text, or `AS_ARRAY` and all in one.
 */
export type JobList = unknown[];

/** Instead of a count of arguments: they come as one JSON text. */
const AS_TEXT = -1;
/** Instead of a count of arguments: they come as one array. */
const AS_ARRAY = -2;
/** Instead of an id: the next job's sequence number, from which on they are numbered. */
const NUMBERED_FROM = -1;
/** Instead of an id: how many ms the jobs from here on may execute. */
const TIMEOUT_FROM = -2;

/** What a list says of a job. */
interface ListedJob {
  readonly id: number;
  readonly fn: { readonly id: number };
  readonly args: readonly unknown[] | string;
  readonly seq: number;
  readonly timeout: number;
}

/** Main: writes jobs, in the order in which they are to start. */
export class JobListWriter {
  readonly list: JobList = [];
  /** How many ms the first of them to time out may execute. */
  shortestTimeout = Infinity;
  #seq = -1;
  #timeout = Infinity;

  write(job: ListedJob): void {
    const { list } = this;
    const { id, fn, args, seq, timeout } = job;
    if (seq !== this.#seq) list.push(NUMBERED_FROM, seq);
    this.#seq = seq + 1;
    if (timeout !== this.#timeout) {
      list.push(TIMEOUT_FROM, timeout);
      this.#timeout = timeout;
      this.shortestTimeout = Math.min(this.shortestTimeout, timeout);
    }
    if (typeof args === "string") list.push(id, fn.id, AS_TEXT, args);
    else {
      list.push(id, fn.id, args.length);
      for (const arg of args) list.push(arg);
    }
  }
}

/** Worker: reads the jobs of a list. */
export class JobListReader {
  readonly #list: JobList;
  #at = 0;
  #nextSeq = 0;
  /** Of the job that was read last. */
  seq = 0;
  id = 0;
  functionId = 0;
  args: unknown[] = [];
  timeout = Infinity;

  constructor(list: JobList) {
    this.#list = list;
  }

  /** Reads the next job; `false` if there is none. */
  read(): boolean {
    const list = this.#list;
    if (this.#at >= list.length) return false;
    if (list[this.#at] === NUMBERED_FROM) {
      this.#nextSeq = list[this.#at + 1] as number;
      this.#at += 2;
    }
    if (list[this.#at] === TIMEOUT_FROM) {
      this.timeout = list[this.#at + 1] as number;
      this.#at += 2;
    }
    this.seq = this.#nextSeq++;
    this.id = list[this.#at++] as number;
    this.functionId = list[this.#at++] as number;
    const length = list[this.#at++] as number;
    this.args = length >= 0
      ? this.#take(length)
      : length === AS_TEXT
      ? fromText(list[this.#at++] as string) as unknown[]
      : list[this.#at++] as unknown[];
    return true;
  }

  #take(length: number): unknown[] {
    const items: unknown[] = [];
    for (let i = 0; i < length; i++) items[i] = this.#list[this.#at++];
    return items;
  }
}

/** One job of a list, as a list of its own. */
export interface SingleJob {
  seq: number;
  list: JobList;
  /** The arguments, unless they are a text already. */
  args: unknown[] | undefined;
  /** Whether it may only execute for so long. */
  isTimed: boolean;
}

/** Takes a list apart. */
export function* singleJobs(list: JobList): Generator<SingleJob> {
  let seq = 0;
  let timeout = Infinity;
  for (let at = 0; at < list.length; seq++) {
    if (list[at] === NUMBERED_FROM) {
      seq = list[at + 1] as number;
      at += 2;
    }
    if (list[at] === TIMEOUT_FROM) {
      timeout = list[at + 1] as number;
      at += 2;
    }
    const head: JobList = [NUMBERED_FROM, seq];
    const isTimed = timeout < Infinity;
    if (isTimed) head.push(TIMEOUT_FROM, timeout);
    const length = list[at + 2] as number;
    const end = at + 3 + (length === AS_TEXT ? 1 : length);
    const args = length === AS_TEXT ? undefined : list.slice(at + 3, end);
    yield { seq, list: head.concat(list.slice(at, end)), args, isTimed };
    at = end;
  }
}

/**
 * The same as JSON text.
 *
 * @param text The arguments as text, unless they are one in the list
 */
export function textOfJob({ list, args }: SingleJob, text?: string): string {
  const head = list.slice(0, -1 - (args ?? [text]).length);
  return `[${head},${AS_ARRAY},${text ?? list.at(-1)}]`;
}
