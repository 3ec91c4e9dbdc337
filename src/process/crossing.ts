// Handles values that can be cloned for a thread but cannot go to another process.

import { JobCloneError } from "../errors.ts";
import { FlowEvent, type FlowEvents } from "../flow/events.ts";
import { kindOf } from "../moving/kind_of.ts";
import { bufferOf } from "../values/bytes.ts";
import { transferablesIn } from "../values/movable.ts";
import { packError } from "../values/pack_error.ts";
import type { PackedError } from "../values/unpack_error.ts";
import { isView } from "../values/intrinsics.ts";
import { whyCannotCross } from "../values/process_bound.ts";

/** Returns why an argument cannot go to a process, or `undefined` if it can. */
export function whyStaysHere(value: object): string | undefined {
  return kindOf(value) === "connection"
    ? "is a connection, which cannot move to a process"
    : whyCannotCross(value);
}

/** Sends events of channels; throws if an event cannot go to another process. */
type Send = (events: FlowEvents, moves: readonly Transferable[]) => void;

/**
 * Sends events of channels. If a chunk cannot go to another process, its channel ends
 * on both sides, and the other channels continue.
 *
 * @param tell Sends events to the end on this side
 */
export function sendFlow(
  events: FlowEvents,
  moves: readonly Transferable[],
  send: Send,
  tell: (events: FlowEvents) => void,
): void {
  for (let i = 2; i < events.length; i += 3) events[i] = unshared(events[i]);
  try {
    return send(events, moves);
  } catch {
    // Sending each event alone shows which event cannot be sent.
  }
  for (let i = 0; i < events.length; i += 3) {
    const event = [events[i], events[i + 1], events[i + 2]];
    const own = transferablesIn(event[2]);
    const moving: Transferable[] = [];
    for (let j = 0; j < moves.length; j++) {
      if (own.has(moves[j])) moving[moving.length] = moves[j];
    }
    try {
      send(event, moving);
    } catch (cause) {
      const error = packError(
        new JobCloneError("A chunk cannot move between processes", { cause }),
      );
      send([event[0], FlowEvent.END, error], []);
      // Later, because the code that sends the events is still running.
      queueMicrotask(() => tell([event[0], FlowEvent.STOP, error]));
    }
  }
}

/** Sends an error, or an error that says why it cannot be sent. */
export function sendError<Message extends { error: PackedError }>(
  message: Message,
  send: (message: Message) => void,
): void {
  try {
    send(message);
  } catch (cause) {
    const { message: reason } = cause as Error;
    const error = new JobCloneError(`The error cannot be sent: ${reason}`);
    send({ ...message, error: packError(error) });
  }
}

/** Copies a chunk in shared memory, because the memory itself cannot be sent. */
function unshared(chunk: unknown): unknown {
  if (!isView(chunk) || bufferOf(chunk) instanceof ArrayBuffer) return chunk;
  const { buffer, byteOffset, byteLength } = chunk;
  const View = chunk.constructor as new (buffer: ArrayBuffer) => unknown;
  return new View(
    new Uint8Array(buffer, byteOffset, byteLength).slice().buffer,
  );
}
