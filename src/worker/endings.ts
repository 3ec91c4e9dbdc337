// The endings of jobs that the board cannot say.

import { isError, packError } from "../values/error_codec.ts";
import { JobCloneError } from "../errors.ts";
import type { Link } from "../flow/link.ts";
import { endOfTurn } from "../flow/end_of_turn.ts";
import { Departures } from "../moving/departures.ts";
import { MOVERS } from "../moving/kinds.ts";
import { endsWith, execute, includes, sourceOf } from "../values/intrinsics.ts";
import { LARGE, pack, type Packed, take } from "../values/pack.ts";
import type { Ending, FromWorker } from "../wire/protocol.ts";
import { addToMessage } from "../values/reword.ts";
import { unmark } from "../values/thread_state.ts";
import { type Handler, HandlerNotFound } from "./handlers.ts";
import type { Traffic } from "./traffic.ts";
import type { Host, Post } from "./host.ts";

/** A job that has ended. */
interface EndedJob {
  readonly seq: number;
  readonly handler: Handler;
}

/**
 * Sends what a handler has returned, if it can be sent; of large results main tells
 * when it has read them. Streams in it depart a
 * turn later, together with what they have by then.
 */
export function postValue(
  job: EndedJob,
  result: unknown,
  traffic: Traffic | undefined,
  { post, copies }: Host,
  onLarge: () => void,
): Promise<Departures> | undefined {
  try {
    const packed = pack(result, "result", { movers: MOVERS });
    const isLarge = packed.size > LARGE;
    if (packed.departing.length > 0) {
      checkDeparting(packed);
      return postMoving(job, packed, traffic!, post, onLarge);
    }
    const { moves, marked, lent } = packed;
    let { value } = packed;
    if (lent && !copies) {
      const loan = lent.lend();
      value = loan.copies.get(value as object) ?? value;
      for (let i = 0; i < loan.moves.length; i++) {
        moves[moves.length] = loan.moves[i];
      }
    }
    const message: FromWorker = isLarge
      ? {
        kind: "ended",
        seq: job.seq,
        ending: { kind: "value", value, isLarge },
      }
      : [job.seq, value];
    post(message, moves.length > 0 ? moves : undefined);
    unmark(marked);
    if (isLarge) onLarge();
  } catch (error) {
    postRefusal(job, error, post);
  }
}

function postMoving(
  job: EndedJob,
  packed: Packed<unknown>,
  { link }: Traffic,
  post: Post,
  onLarge: () => void,
): Promise<Departures> | undefined {
  // What Deno refuses to move it refuses here, before a stream has departed.
  take(packed);
  const departures = new Departures(packed.departing);
  packed.size += departures.size;
  const send = () => sendMoving(job, packed, departures, link, post, onLarge);
  if (departures.isOpen) return endOfTurn().then(send).then(() => departures);
  send();
}

function sendMoving(
  job: EndedJob,
  { value, moves, size }: Packed<unknown>,
  departures: Departures,
  link: Link,
  post: Post,
  onLarge: () => void,
): void {
  const moved = departures.send(link);
  // What is there already is there before its stream.
  link.send();
  const isLarge = size > LARGE;
  const ending: Ending = { kind: "value", value, moved, isLarge };
  try {
    post(
      { kind: "ended", seq: job.seq, ending },
      moves.length > 0 ? moves : undefined,
    );
    if (isLarge) onLarge();
  } catch (error) {
    departures.close(error);
    postRefusal(job, error, post);
  }
}

function checkDeparting({ departing }: Packed<unknown>): void {
  for (let i = 0; i < departing.length; i++) {
    const { kind } = departing[i];
    if (kind === "connection" || kind === "signal") {
      throw new JobCloneError(`result holds a ${kind}, which cannot move back`);
    }
  }
}

function postRefusal({ seq, handler }: EndedJob, error: unknown, post: Post) {
  const message = `The result of job "${handler.name}" cannot be sent: ${
    (error as Error).message
  }`;
  post({ kind: "ended", seq, ending: { kind: "not-cloneable", message } });
}

/** Sends what a handler has thrown. */
export function postFailure(job: EndedJob, thrown: unknown, post: Post): void {
  post({ kind: "ended", seq: job.seq, ending: failure(job, thrown) });
}

function failure({ handler }: EndedJob, thrown: unknown): Ending {
  if (isError(thrown)) {
    if (thrown instanceof HandlerNotFound) {
      return { kind: "not-found", message: thrown.message };
    }
    if (thrown instanceof TypeError) explainThis(thrown, handler);
  }
  return { kind: "error", error: packError(thrown) };
}

/** What is said of an `undefined` whose property is read or set. */
const OF_UNDEFINED =
  /^Cannot (?:read|set) properties of undefined \((?:reading|setting) '(.+)'\)$/;
/** What is said of a `this` by itself. */
const OF_THIS = / of 'this' as it is undefined\.$/;
/** What functions of the language and of the runtime say. */
const OF_NATIVE =
  /called on incompatible receiver undefined$|^Illegal invocation$/;

/** Says of a `this` that is not there why it is not, as far as that can be known. */
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
