// The web server from the Rust Book's last chapter: each connection is a job.
//
//   deno run --allow-net --allow-read examples/server.ts [--port 7878]
//   curl http://127.0.0.1:7878/
//
// GET / says hello. GET /sleep says hello after five seconds and occupies one of the
// four workers. Ctrl-C finishes accepted connections; a second one does not wait.
import { parseArgs } from "node:util";
import { delay } from "@std/async";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./server_jobs.ts";

const { values } = parseArgs({
  options: { port: { type: "string", default: "7878" } },
});
const hostname = "127.0.0.1";
const listener = Deno.listen({ hostname, port: Number(values.port) });
const stopping = new AbortController();
const signals: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT"]
  : ["SIGINT", "SIGTERM"];

function stop(): void {
  for (const signal of signals) Deno.removeSignalListener(signal, stop);
  stopping.abort(); // the workers see the signal too
  listener.close();
  console.log("Shutting down.");
}

for (const signal of signals) Deno.addSignalListener(signal, stop);

// Leaving the scope finishes the jobs that were accepted.
await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./server_jobs.ts", import.meta.url),
  size: 4,
  queue: { capacity: 64 },
});
console.log(`Listening on http://${hostname}:${listener.addr.port}`);

while (!stopping.signal.aborted) {
  await pool.ready(); // waits for room in the queue; clients wait in the backlog
  try {
    const conn = await listener.accept();
    // The connection moves into the job, and the signal also fires there.
    pool.execute("handle_connection", [conn, stopping.signal]).catch(report);
  } catch (error) {
    if (stopping.signal.aborted) break;
    report(error);
    await delay(50); // for example too many open files: let some close
  }
}

/** Reports an error, such as a reset by one client. The server goes on. */
function report(error: unknown): void {
  console.error(`error: ${error instanceof Error ? error.message : error}`);
}
