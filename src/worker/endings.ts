// The endings of jobs that the board cannot say.

import { isError, packError } from "../error_codec.ts";
import { JobCloneError } from "../errors.ts";
import type { Link } from "../flow/link.ts";
import { endOfTurn } from "../flow/turn.ts";
import { Departures } from "../moving/departures.ts";
import { pack, type Packed, take } from "../pack.ts";
import type { Ending } from "../protocol.ts";
import { unmark } from "../thread_state.ts";
import { type Handler, HandlerNotFound } from "./handlers.ts";
import type { Traffic } from "./traffic.ts";
import type { Post } from "./host.ts";

/** A job that has ended. */
interface EndedJob {
  readonly seq: number;
  readonly handler: Handler;
}

/**
 * Sends what a handler has returned, if it can be sent. Streams in it depart a
 * turn later, together with what they have by then.
 */
export function postValue(
  job: EndedJob,
  result: unknown,
  traffic: Traffic | undefined,
  post: Post,
): Promise<Departures> | undefined {
  try {
    const packed = pack(result, "result");
    if (packed.departing.length > 0) {
      checkDeparting(packed);
      return postMoving(job, packed, traffic!, post);
    }
    const { value, moves, marked } = packed;
    post([job.seq, value], moves.length > 0 ? moves : undefined);
    unmark(marked);
  } catch (error) {
    postRefusal(job, error, post);
  }
}

function postMoving(
  job: EndedJob,
  packed: Packed<unknown>,
  { link }: Traffic,
  post: Post,
): Promise<Departures> | undefined {
  // What Deno refuses to move it refuses here, before a stream has departed.
  take(packed);
  const departures = new Departures(packed.departing);
  if (departures.isOpen) return postOpen(job, packed, departures, link, post);
  sendMoving(job, packed, departures, link, post);
}

async function postOpen(
  job: EndedJob,
  packed: Packed<unknown>,
  departures: Departures,
  link: Link,
  post: Post,
): Promise<Departures> {
  await endOfTurn();
  sendMoving(job, packed, departures, link, post);
  return departures;
}

function sendMoving(
  job: EndedJob,
  { value, moves }: Packed<unknown>,
  departures: Departures,
  link: Link,
  post: Post,
): void {
  const moved = departures.send(link);
  // What is there already is there before its stream.
  link.send();
  const ending: Ending = { kind: "value", value, moved };
  try {
    post(
      { kind: "ended", seq: job.seq, ending },
      moves.length > 0 ? moves : undefined,
    );
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

/** Tells of a job that was stopped since its time was over. */
export function postStopped({ seq }: EndedJob, post: Post): void {
  post({ kind: "ended", seq, ending: { kind: "timed-out" } });
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
    if (handler.inline && thrown instanceof ReferenceError) explain(thrown);
  }
  return { kind: "error", error: packError(thrown) };
}

/** Says of a name that is not there why it is not, as far as that can be known. */
function explain(error: ReferenceError): void {
  const name = /^(.+) is not defined$/.exec(error.message)?.[1];
  if (name === undefined) return;
  const { message, stack } = error;
  error.message =
    `${message} in the worker: an inline job cannot capture "${name}", pass values through args`;
  error.stack = stack?.replace(message, () => error.message);
}
