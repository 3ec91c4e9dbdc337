// Tells what `postMessage` can move, and why a value cannot move now.

import { JobCloneError } from "../errors.ts";
import { isDetached } from "./bytes.ts";
import {
  getOwnPropertySymbols,
  includes,
  SafeSet,
  unbind,
} from "./intrinsics.ts";
import { objectsIn } from "./objects.ts";

const {
  ArrayBuffer,
  MessagePort,
  ReadableStream,
  TransformStream,
  WritableStream,
} = globalThis;

/** Returns whether a value can be moved but not cloned. */
export function isMoveOnly(value: unknown): value is Transferable {
  return value instanceof MessagePort || value instanceof ReadableStream ||
    value instanceof WritableStream || value instanceof TransformStream;
}

/** Returns why a value cannot be moved now, if it cannot. */
export function whyUnmovable(value: unknown): string | undefined {
  if (value instanceof ArrayBuffer) {
    if (isDetached(value)) return "is already detached";
    return isPinned(value)
      ? "cannot be moved, like the pool that small Node Buffers share: clone it, or make the Buffer with Buffer.alloc()"
      : undefined;
  }
  if (ArrayBuffer.isView(value)) return "cannot be moved: move its `buffer`";
  if (!isMoveOnly(value)) return "cannot be moved";
  if (value instanceof MessagePort) {
    return isClosed(value) ? "is closed or has moved already" : undefined;
  }
  const { locked, readable, writable } = value as {
    locked?: boolean;
    readable?: ReadableStream;
    writable?: WritableStream;
  };
  return locked || readable?.locked || writable?.locked
    ? "is locked"
    : undefined;
}

/**
 * Returns why a value could not be sent. Only Deno can tell WebAssembly memory from
 * other buffers, and does so only when the memory would move.
 */
export function whyUnsent(error: unknown): string {
  const { message } = error as Error;
  if (error instanceof JobCloneError) return message;
  return includes(message, "not transferable") ||
      includes(message, "not detachable")
    ? "memory of WebAssembly cannot move: do not mark it, or slice() it"
    : message;
}

/** Description of the symbol that Node's `markAsUntransferable()` sets; importing that function would change how ports close. */
const PINNED = "nodejs.worker_threads.untransferable";

/**
 * Returns whether Node has marked a buffer as not transferable, such as the pool of
 * small Buffers. Deno detects this only after it has moved the earlier objects of a
 * transfer list. (Deno detects WebAssembly memory in time.)
 */
function isPinned(buffer: ArrayBuffer): boolean {
  const symbols = getOwnPropertySymbols(buffer);
  for (let i = 0; i < symbols.length; i++) {
    if (symbols[i].description === PINNED) return true;
  }
  return false;
}

/** Method for `Deno.inspect`, the only way to see whether a port is closed. */
const inspectPort = (MessagePort.prototype as unknown as Record<
  symbol,
  (show: (shown: { active?: unknown }) => unknown, options: object) => unknown
>)[Symbol.for("Deno.privateCustomInspect")];
const showPort = typeof inspectPort === "function" && unbind(inspectPort);

/** Returns whether a port is closed or has moved; `false` if Deno does not say. */
function isClosed(port: MessagePort): boolean {
  try {
    return showPort && showPort(port, ({ active }) => active, {}) === false;
  } catch {
    return false;
  }
}

/** Returns every transferable in a value, at any depth. */
export function transferablesIn(value: unknown): Set<Transferable> {
  const found = new SafeSet<Transferable>();
  objectsIn(value, (object) => {
    const isFound = object instanceof ArrayBuffer || isMoveOnly(object);
    if (isFound) found.add(object);
    return isFound;
  });
  return found;
}
