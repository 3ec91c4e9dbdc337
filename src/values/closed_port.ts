// Whether a `MessagePort` is closed or has moved, which only private API of
// Deno's tells: what it shows of a port to `Deno.inspect`.

import { unbind } from "./intrinsics.ts";

type Show = (
  port: MessagePort,
  show: (shown: { active?: unknown }) => unknown,
  options: object,
) => unknown;

/** As it was before any job could overwrite it. */
const showPort = showOf(
  MessagePort.prototype as unknown as Record<symbol, unknown>,
);

function showOf(prototype: Record<symbol, unknown>): Show | undefined {
  const show = prototype[Symbol.for("Deno.privateCustomInspect")];
  return typeof show === "function" ? unbind(show as never) as Show : undefined;
}

/** Whether a port can no longer move; `false` where Deno does not tell. */
export function isClosedPort(port: MessagePort): boolean {
  try {
    return showPort?.(port, ({ active }) => active, {}) === false;
  } catch {
    return false;
  }
}
