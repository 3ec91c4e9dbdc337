// The endings of jobs that the board cannot say, as messages.

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

/** As it was before a job could replace it. */
const { Response } = globalThis;

/** What gives the way of what moves, which is loaded late. */
interface LateMoving {
  readonly moving: { readonly link: Link } | undefined;
  load(): Promise<{ readonly link: Link }>;
}

/** Posts endings, and then ends what has moved into their jobs. */
export class PostedEndings {
  readonly #thread: OwnThread;
  readonly #late: LateMoving;
  /** How many large results have left: main tells when it has read them. */
  large = 0;

  constructor(thread: OwnThread, late: LateMoving) {
    this.#thread = thread;
    this.#late = late;
  }

  /** Writes what a handler has returned to the board, if that is a response for which it has room. */
  settle(seq: number, result: unknown): boolean {
    const { board } = this.#thread;
    if (board.settleResponse === undefined) return false;
    const text = textOfResponse(result, Response);
    return text !== undefined && board.settleResponse(seq, text);
  }

  /** Posts what a handler has returned, if it can be sent; gives a promise if it leaves later. */
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
    // What Deno refuses to move it refuses here, before a stream has departed.
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
   * Streams depart a turn later, together with what they have by then; and all else
   * once it can.
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
    // What has moved into the job stays until the streams of its result have ended.
    departures.whenClosed(() => job.arrivals?.end());
  }

  #send(
    job: ReceivedJob,
    packed: Packed<unknown>,
    departures: Departures,
    link: Link,
  ): void {
    const moved = departures.send(link);
    // What is there already is there before its stream.
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
    // The last item of a batch is the one that cannot be sent.
    const what = failureIn(result) ? "error" : "result";
    const refusal = refusalOf(handler, error, what);
    const value = withEnding(result as BatchResult, refusal);
    this.#postEnding(job, { kind: "value", value });
  }

  #postEnding(job: ReceivedJob, ending: Ending): void {
    this.#thread.post({ kind: "ended", seq: seqOf(job), ending });
  }

  /** Posts what a handler has thrown, if it can be sent. */
  failure(job: ReceivedJob, thrown: unknown): void {
    try {
      this.#postEnding(job, failureOf(job.handler, thrown));
    } catch (error) {
      // A process with a memory limit sends no long messages.
      this.#postEnding(job, refusalOf(job.handler, error, "error"));
    }
    job.arrivals?.end({ thrown });
  }
}

/** What packing knows of what moves back. */
const BACK: Movers = {
  ...MOVERS,
  whyStays(value) {
    const kind = kindOf(value);
    return kind === "connection" || kind === "signal"
      ? `is a ${kind}, which cannot move back`
      : MOVERS.whyStays(value);
  },
};

/** How an item of a batch ends whose result is more than plain data, if that can be sent. */
export function endingWith(handler: Handler, value: unknown): Ending {
  try {
    const packed = pack(value, "result", { movers: BACK });
    // The copy is what was found good: getters may say something else the next time.
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

/** How a job ends whose handler has thrown. */
export function failureOf(handler: Handler, thrown: unknown): Ending {
  if (isError(thrown)) {
    if (thrown instanceof HandlerNotFound) {
      return { kind: "not-found", message: thrown.message };
    }
    // A value that was yielded or reported: it is an error of ours there, too.
    if (thrown instanceof JobCloneError) {
      return { kind: "not-cloneable", message: thrown.message };
    }
    if (thrown instanceof TypeError) explainThis(thrown, handler);
  }
  return { kind: "error", error: packError(thrown) };
}

/** What V8 says of an `undefined` whose property is read or set. */
const OF_UNDEFINED =
  /^Cannot (?:read|set) properties of undefined \((?:reading|setting) '(.+)'\)$/;
/** What V8 says of a `this` that is taken apart. */
const OF_THIS = / of 'this' as it is undefined\.$/;
/** What functions of the language and of the runtime say. */
const OF_NATIVE =
  /called on incompatible receiver undefined$|^Illegal invocation$/;

/** Says why a `this` is missing, as far as that can be known. */
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
