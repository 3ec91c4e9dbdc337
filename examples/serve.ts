// A multithreaded HTTP server in one line: requests are jobs, responses their results.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. examples/serve.ts [port]
//   curl --data "hash me" http://127.0.0.1:8000/
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./serve_jobs.ts";

const hostname = "127.0.0.1";
const port = Number(Deno.args[0] ?? 8000);
const pool = new ThreadPool<typeof jobs>({
  module: new URL("./serve_jobs.ts", import.meta.url),
});

Deno.serve({ hostname, port }, (request) => pool.execute("handle", [request]));
