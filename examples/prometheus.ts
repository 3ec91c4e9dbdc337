// Exports metrics of a pool to Prometheus: the outcomes of the jobs of each name,
// how long they waited and ran, and what the workers are doing.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. examples/prometheus.ts [port]
//   curl http://127.0.0.1:8000/fib/30
//   curl http://127.0.0.1:8000/metrics
//
// /fib/60 takes too long and counts as timed out. Ctrl-C finishes open requests.
import { JobTimeoutError, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./prometheus_jobs.ts";
import { prometheusText } from "./prometheus_text.ts";

await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./prometheus_jobs.ts", import.meta.url),
  statsByName: true,
  timeout: 1_000,
});

const FIB = new URLPattern({ pathname: "/fib/:n(\\d+)" });
const SHA256 = new URLPattern({ pathname: "/sha256/:text" });

async function answer({ url }: Request): Promise<Response> {
  if (new URL(url).pathname === "/metrics") {
    const headers = { "content-type": "text/plain; version=0.0.4" };
    return new Response(prometheusText(pool), { headers });
  }
  const fib = FIB.exec(url)?.pathname.groups;
  if (fib) {
    return new Response(`${await pool.execute("fib", [Number(fib.n)])}\n`);
  }
  const sha256 = SHA256.exec(url)?.pathname.groups;
  if (sha256) {
    return new Response(`${await pool.execute("sha256", [sha256.text!])}\n`);
  }
  return new Response("not found\n", { status: 404 });
}

function onError(error: unknown): Response {
  if (error instanceof JobTimeoutError) {
    return new Response("took too long\n", { status: 503 });
  }
  console.error(error);
  return new Response("failed\n", { status: 500 });
}

const port = Number(Deno.args[0] ?? 8000);
const server = Deno.serve({ hostname: "127.0.0.1", port, onError }, answer);
Deno.addSignalListener("SIGINT", () => server.shutdown());
await server.finished; // then the pool closes
