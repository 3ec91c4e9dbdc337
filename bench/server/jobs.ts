// The jobs of the pools.
import { busy, PAGE, serve, type Work } from "./http.ts";

export { drain, drainStream, pour, pourStream } from "./flow.ts";

/** Serves a moved connection. */
export function handle_connection(conn: Deno.Conn, work: Work): Promise<void> {
  return serve(conn, work);
}

/** Answers a moved request. */
export function handle(_request: Request, work: Work): Response {
  busy(work);
  return new Response(PAGE, {
    headers: { "Content-Type": "text/html; charset=utf-8" },
  });
}

/** Does nothing: a worker that has done it has started. */
export function noop(): void {}
