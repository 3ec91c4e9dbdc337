// The web server's job: it runs in a worker and serves the requests of one connection.
import { currentJob } from "@spindle/thread-pool/worker";
import { serveConnection } from "./http/connection.ts";
import { makeSite } from "./server_pages.ts";

/** What `handle_connection` is to know besides the connection. */
export interface ConnectionOptions {
  /** How many ms `GET /sleep` holds its worker. */
  delay: number;
  /** How many ms a client may keep the server waiting. */
  idle: number;
  /** Shared by all threads: 1 once the server stops. */
  stopping: Int32Array<SharedArrayBuffer>;
}

/** Serves a connection. The pool closes it when the job ends. */
export async function handle_connection(
  conn: Deno.Conn,
  { delay, idle, stopping }: ConnectionOptions,
): Promise<void> {
  console.log(`Worker ${currentJob()?.workerId} got a job; executing.`);
  const isStopping = () => Atomics.load(stopping, 0) === 1;
  await serveConnection(conn, makeSite(delay), { idle, isStopping });
}
