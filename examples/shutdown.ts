// A server that shuts down gracefully. On SIGTERM or Ctrl-C it accepts no more
// requests and finishes open requests, but only within a grace period.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. examples/shutdown.ts [port] [grace in ms]
//   curl http://127.0.0.1:8000/?ms=3000
//
// It exits with 0 if everything was finished, and with 1 if requests were cut off.
// A second signal does not wait.
import { deadline } from "@std/async";
import { PoolTerminatedError, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./shutdown_jobs.ts";

const [port = "8000", grace = "10000"] = Deno.args;
const pool = new ThreadPool<typeof jobs>({
  module: new URL("./shutdown_jobs.ts", import.meta.url),
});

async function handle({ url }: Request): Promise<Response> {
  const ms = Number(new URL(url).searchParams.get("ms") ?? 100);
  console.log(`Works for ${ms} ms`);
  try {
    return new Response(await pool.execute("work", [ms]));
  } catch (error) {
    if (!(error instanceof PoolTerminatedError)) throw error;
    return new Response("shutting down\n", { status: 503 });
  }
}

const server = Deno.serve(
  { hostname: "127.0.0.1", port: Number(port) },
  handle,
);

const told = Promise.withResolvers<Deno.Signal>();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, function stop() {
    Deno.removeSignalListener(signal, stop); // the next one ends the program
    told.resolve(signal);
  });
}
console.log(`${await told.promise}: finishing`);

const finished = server.shutdown(); // resolves when all open requests have ended
try {
  await deadline(finished, Number(grace));
  await pool.close(); // runs the onStop() callbacks
} catch {
  const { queued, running } = pool.stats();
  console.log(`Cut off ${queued + running} jobs`);
  await pool.terminate("shutting down"); // their requests get a 503
  await deadline(finished, 1_000).catch(() => {});
  Deno.exitCode = 1;
}
Deno.exit(); // even if a client keeps a connection open
