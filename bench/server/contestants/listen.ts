// How every contestant with an accept loop accepts.
import { setTimeout as wait } from "node:timers/promises";

/** A listener on a free port. */
export function listen(): Deno.TcpListener {
  return Deno.listen({ hostname: "127.0.0.1", port: 0 });
}

/** Accepts for ever, whenever there is room. */
export async function acceptAll(
  listener: Deno.TcpListener,
  take: (conn: Deno.TcpConn) => void,
  room?: () => Promise<void>,
): Promise<never> {
  for (;;) {
    if (room !== undefined) await room();
    try {
      take(await listener.accept());
    } catch (error) {
      if (isClientGone(error)) continue;
      console.error(`accept: ${error}`);
      await wait(10);
    }
  }
}

/** Whether the client has reset the connection before it was accepted. */
function isClientGone(error: unknown): boolean {
  const { ConnectionAborted, ConnectionReset, NotConnected } = Deno.errors;
  return [ConnectionAborted, ConnectionReset, NotConnected]
    .some((gone) => error instanceof gone);
}
