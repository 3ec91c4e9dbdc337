// The endings of jobs that the board cannot say.

import { isError, packError } from "../error_codec.ts";
import { JobCloneError } from "../errors.ts";
import { pack } from "../pack.ts";
import type { Ending, FromWorker } from "../protocol.ts";
import { unmark } from "../thread_state.ts";
import { type Handler, HandlerNotFound } from "./handlers.ts";

type Post = (message: FromWorker, moves?: Transferable[]) => void;

/** A job that has ended. */
interface EndedJob {
  readonly seq: number;
  readonly handler: Handler;
}

/** Sends what a handler has returned. */
export function postValue(job: EndedJob, result: unknown, post: Post): void {
  const { seq, handler } = job;
  try {
    const { value, moves, marked, connections } = pack(result, "result");
    if (connections.size > 0) {
      throw new JobCloneError(
        "result holds a connection, which cannot move back",
      );
    }
    post([seq, value], moves.length > 0 ? moves : undefined);
    unmark(marked);
  } catch (error) {
    const message = `The result of job "${handler.name}" cannot be sent: ${
      (error as Error).message
    }`;
    post({ kind: "ended", seq, ending: { kind: "not-cloneable", message } });
  }
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
