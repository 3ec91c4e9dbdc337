// What a client has sent and no request has used yet: lines and bytes are taken from it in order.
import type { Client } from "./client.ts";
import { HEAD_LIMIT, Refusal, type RefusalStatus } from "./refusal.ts";

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

// A byte order mark is no part of HTTP, so it is not to vanish.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The bytes of a connection; its methods give `undefined` if the client leaves. */
export class Input {
  readonly #client: Client;
  /** Twice the longest text that is taken from it, so that there is room to read. */
  readonly #buffer = new Uint8Array(2 * HEAD_LIMIT);
  #start = 0;
  #end = 0;

  constructor(client: Client) {
    this.#client = client;
  }

  /** How many bytes are here already. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Takes a line, without its end. */
  async line(limit: number): Promise<string | undefined> {
    const end = await this.#lineEnd(0, limit, 400);
    return end === undefined ? undefined : this.#takeText(end).slice(0, -2);
  }

  /** Takes lines, with their ends, up to an empty one, which is taken, too. */
  async lines(): Promise<string | undefined> {
    let start = 0;
    for (;;) {
      const end = await this.#lineEnd(start, HEAD_LIMIT, 431);
      if (end === undefined) return undefined;
      if (end === start + 2) return this.#takeText(end).slice(0, -2);
      start = end;
    }
  }

  /** Fills `target`, which it also returns. */
  async fill<T extends Uint8Array>(target: T): Promise<T | undefined> {
    const here = Math.min(this.length, target.length);
    target.set(this.#buffer.subarray(this.#start, this.#start += here));
    for (let filled = here; filled < target.length;) {
      const count = await this.#client.read(target.subarray(filled));
      if (count === null) return undefined;
      filled += count;
    }
    return target;
  }

  /** Where the line that begins at `start` ends, both counted from what is next. */
  async #lineEnd(
    start: number,
    limit: number,
    tooLong: RefusalStatus,
  ): Promise<number | undefined> {
    for (let from = start;;) {
      const here = this.#buffer.subarray(0, this.#end);
      const feed = here.indexOf(LINE_FEED, this.#start + from);
      if (feed >= 0) {
        const end = feed + 1 - this.#start;
        // Who takes a lone line feed for an end sees other requests than who does not.
        const isWhole = end >= start + 2 &&
          here[feed - 1] === CARRIAGE_RETURN;
        if (!isWhole) throw new Refusal(400);
        if (end > limit) throw new Refusal(tooLong);
        return end;
      }
      if (this.length >= limit) throw new Refusal(tooLong);
      from = this.length;
      if (!await this.#more()) return undefined;
    }
  }

  async #more(): Promise<boolean> {
    if (this.#start > 0) {
      this.#buffer.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    const count = await this.#client.read(this.#buffer.subarray(this.#end));
    this.#end += count ?? 0;
    return count !== null;
  }

  #takeText(length: number): string {
    const { start, end } = { start: this.#start, end: this.#start + length };
    this.#start = end;
    return decoder.decode(this.#buffer.subarray(start, end));
  }
}
