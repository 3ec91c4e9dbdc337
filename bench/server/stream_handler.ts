// A handler of streams for each way, ready to start.
import { openPool } from "./contestants/open_pool.ts";
import { startWorker } from "./contestants/start_worker.ts";
import * as flows from "./flow.ts";
import { type Direction, flowName, type Way } from "./stream_ways.ts";

/** Resolves when all is read, or handed over. */
export type Handler = (conn: Deno.TcpConn) => Promise<unknown>;

/** Opens the handler of a way. */
export async function openHandler(
  way: Way,
  direction: Direction,
  mib: number,
): Promise<Handler> {
  const flow = flowName(way, direction);
  if (way.via === "main") {
    return async (conn) => {
      await flows[flow](conn, mib);
      if (!way.streams) conn.close();
    };
  }
  if (way.via === "transfer") {
    const { worker } = await startWorker("flow_worker.ts");
    return ({ readable, writable }) =>
      new Promise((resolve) => {
        worker.onmessage = resolve;
        const message = { flow, mib, readable, writable };
        worker.postMessage(message, [readable, writable]);
      });
  }
  const connections = way.via === "descriptor" ? way.via : undefined;
  const pool = openPool(1, { connections });
  await pool.execute("noop"); // its worker has started
  return (conn) => pool.execute(flow, [conn, mib]);
}
