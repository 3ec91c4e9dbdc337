// Posts the endings of jobs that the board cannot express.

import { isError, packError } from "../values/pack_error.ts";
import { JobCloneError } from "../errors.ts";
import type { Link } from "../flow/link.ts";
import { endOfTurn } from "../flow/end_of_turn.ts";
import { Departures } from "../moving/departures.ts";
import { kindOf } from "../moving/kind_of.ts";
import { MOVERS } from "../moving/kinds.ts";
import type { MovedList } from "../moving/kind.ts";
import { textOfResponse } from "../moving/response_text.ts";
import { endsWith, execute, includes, sourceOf } from "../values/intrinsics.ts";
import { LARGE } from "../values/bytes.ts";
import type { Movers } from "../values/departing.ts";
import { moveCopies, pack, type Packed, take } from "../values/pack.ts";
import { type BatchResult, failureIn, withEnding } from "../wire/batch.ts";
import type { Ending, FromWorker } from "../wire/protocol.ts";
import { whyUnsent } from "../values/movable.ts";
import { addToMessage } from "../values/reword.ts";
import { unmark } from "../values/thread_state.ts";
import { type Handler, HandlerNotFound } from "./handlers.ts";
import { type ReceivedJob, seqOf } from "./jobs.ts";
import type { OwnThread } from "./own_thread.ts";

/** Saved before a job can replace it. */
const { Response } = globalThis;

/** Provides the link for values that move, which is loaded late. */
interface LateMoving {
  readonly moving: { readonly link: Link } | undefined;
  load(): Promise<{ readonly link: Link }>;
}

/** Posts endings, and then ends the values that moved into their jobs. */
export class PostedEndings {
  readonly #thread: OwnThread;
  readonly #late: LateMoving;
  /** Number of large results that have left; main counts those it has read on the board. */
  large = 0;

  constructor(thread: OwnThread, late: LateMoving) {
    this.#thread = thread;
    this.#late = late;
  }

  /** Writes a handler's result to the board, if it is a response that fits there. */
  settle(seq: number, result: unknown): boolean {
    const { board } = this.#thread;
    if (board.settleResponse === undefined) return false;
    const text = textOfResponse(result, Response);
    return text !== undefined && board.settleResponse(seq, text);
  }

  /** Posts a handler's result, if it can be sent. Returns a promise if it leaves later. */
  value(job: ReceivedJob, result: unknown): Promise<void> | undefined {
    try {
      const packed = pack(result, "result", { movers: BACK });
      if (packed.departing.length > 0) return this.#postMoving(job, packed);
      if (!this.#thread.copies) moveCopies(packed);
      this.#post(job, packed);
      unmark(packed.marked);
    } catch (error) {
      this.#refuse(job, error, result);
    }
    job.arrivals?.end();
  }

  #postMoving(
    job: ReceivedJob,
    packed: Packed<unknown>,
  ): Promise<void> | undefined {
    // If Deno refuses to move a value, this throws before any stream departs.
    take(packed);
    const departures = new Departures(packed.departing);
    packed.size += departures.size;
    const { moving } = this.#late;
    if (departures.isOpen || moving === undefined) {
      return this.#postLater(job, packed, departures);
    }
    this.#send(job, packed, departures, moving.link);
    job.arrivals?.end();
  }

  /**
   * Posts a result with streams one turn later, with the data they have by then.
   * Also posts other values that move, once the link is loaded.
   */
  async #postLater(
    job: ReceivedJob,
    packed: Packed<unknown>,
    departures: Departures,
  ): Promise<void> {
    const { link } = this.#late.moving ?? await this.#late.load();
    job.arrivals?.flush?.();
    await endOfTurn();
    this.#send(job, packed, departures, link);
    // Values that moved into the job stay until its result's streams have ended.
    departures.whenClosed(() => job.arrivals?.end());
  }

  #send(
    job: ReceivedJob,
    packed: Packed<unknown>,
    departures: Departures,
    link: Link,
  ): void {
    const moved = departures.send(link);
    // Existing data arrives before its stream.
    link.send();
    try {
      this.#post(job, packed, moved);
    } catch (error) {
      departures.close(error);
      this.#refuse(job, error, packed.value);
    }
  }

  #post(
    job: ReceivedJob,
    { value, moves, size }: Packed<unknown>,
    moved?: MovedList,
  ): void {
    const seq = seqOf(job);
    const isLarge = size > LARGE;
    const message: FromWorker = moved || isLarge && this.#thread.copies
      ? { kind: "ended", seq, ending: { kind: "value", value, moved, isLarge } }
      : isLarge
      ? [seq, value, isLarge]
      : [seq, value];
    this.#thread.post(message, moves.length > 0 ? moves : undefined);
    if (isLarge) this.large++;
  }

  #refuse(job: ReceivedJob, error: unknown, result: unknown): void {
    const { handler } = job;
    if (!handler.isBatch) {
      return this.#postEnding(job, refusalOf(handler, error, "result"));
    }
    // The last item of a batch is the item that cannot be sent.
    const what = failureIn(result) ? "error" : "result";
    const refusal = refusalOf(handler, error, what);
    const value = withEnding(result as BatchResult, refusal);
    this.#postEnding(job, { kind: "value", value });
  }

  #postEnding(job: ReceivedJob, ending: Ending): void {
    this.#thread.post({ kind: "ended", seq: seqOf(job), ending });
  }

  /** Posts what a handler threw, if it can be sent. */
  failure(job: ReceivedJob, thrown: unknown): void {
    try {
      this.#postEnding(job, failureOf(job.handler, thrown));
    } catch (error) {
      // A process with a memory limit refuses to send long messages.
      this.#postEnding(job, refusalOf(job.handler, error, "error"));
    }
    job.arrivals?.end({ thrown });
  }
}

/** The rules for values that move back. */
const BACK: Movers = {
  ...MOVERS,
  whyStays(value) {
    const kind = kindOf(value);
    return kind === "connection" || kind === "signal"
      ? `is a ${kind}, which cannot move back`
      : MOVERS.whyStays(value);
  },
};

/** Returns the ending of a batch item whose result is more than plain data. */
export function endingWith(handler: Handler, value: unknown): Ending {
  try {
    const packed = pack(value, "result", { movers: BACK });
    // The copy was checked; getters may return something else next time.
    const isCopy = packed.departing.length === 0 && packed.marked.length === 0;
    return { kind: "value", value: isCopy ? packed.value : value };
  } catch (error) {
    return refusalOf(handler, error, "result");
  }
}

function refusalOf(
  { name }: Handler,
  error: unknown,
  what: "result" | "error",
): Ending {
  const reason = whyUnsent(error);
  const message = `The ${what} of job "${name}" cannot be sent: ${reason}`;
  return { kind: "not-cloneable", message };
}

/** Returns the ending of a job whose handler threw. */
export function failureOf(handler: Handler, thrown: unknown): Ending {
  if (isError(thrown)) {
    if (thrown instanceof HandlerNotFound) {
      return { kind: "not-found", message: thrown.message };
    }
    // A yielded or reported value was refused: main needs the pool's own error.
    if (thrown instanceof JobCloneError) {
      return { kind: "not-cloneable", message: thrown.message };
    }
    if (thrown instanceof TypeError) explainThis(thrown, handler);
  }
  return { kind: "error", error: packError(thrown) };
}

/** V8's message if a property of `undefined` is read or set. */
const OF_UNDEFINED =
  /^Cannot (?:read|set) properties of undefined \((?:reading|setting) '(.+)'\)$/;
/** V8's message if `this` is destructured. */
const OF_THIS = / of 'this' as it is undefined\.$/;
/** Messages of built-in functions of the language and the runtime. */
const OF_NATIVE =
  /called on incompatible receiver undefined$|^Illegal invocation$/;

/** Adds to an error why `this` is missing, as far as the worker can tell. */
function explainThis(error: TypeError, { name, call }: Handler): void {
  const { message } = error;
  const source = sourceOf(call);
  const key = execute(OF_UNDEFINED, message)?.[1];
  const isOfThis = key === undefined
    ? execute(OF_THIS, message) ??
      (endsWith(source, "{ [native code] }") && execute(OF_NATIVE, message))
    : includes(source, `this.${key}`) || includes(source, `this?.${key}`);
  if (!isOfThis) return;
  addToMessage(
    error,
    `: job "${name}" is called as a plain function, without a \`this\``,
  );
}
