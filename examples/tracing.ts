// Traces requests and measures their jobs with Deno's built-in OpenTelemetry. The
// spans of a handler are children of the request's span.
//
//   OTEL_DENO=true deno run --allow-net=127.0.0.1 --allow-read=. examples/tracing.ts [port]
//   curl http://127.0.0.1:8000/30
//
// The data goes to a collector at localhost:4318 or OTEL_EXPORTER_OTLP_ENDPOINT. /60
// takes too long and fails. Ctrl-C finishes open requests.
import { metrics } from "@opentelemetry/api";
import { JobTimeoutError, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./tracing_jobs.ts";

await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./tracing_jobs.ts", import.meta.url),
  timeout: 1_000,
});

const meter = metrics.getMeter("pool");
const bounds = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10];
const seconds = { unit: "s", advice: { explicitBucketBoundaries: bounds } };
const jobsEnded = meter.createCounter("pool.jobs");
const waitTimes = meter.createHistogram("pool.job.wait_time", seconds);
const runTimes = meter.createHistogram("pool.job.run_time", seconds);
pool.addEventListener("jobend", ({ detail }) => {
  const { ok, name, error, waitTime, runTime } = detail;
  const type = error instanceof Error ? error.name : "other";
  const attributes = { job: name, ...(ok ? {} : { "error.type": type }) };
  jobsEnded.add(1, attributes);
  waitTimes.record(waitTime / 1_000, attributes);
  runTimes.record(runTime / 1_000, attributes);
});
// Read at each export of the metrics, for example every minute.
for (const name of ["queued", "running", "idle", "lost"] as const) {
  meter.createObservableGauge(`pool.${name}`).addCallback((result) => {
    result.observe(pool.stats()[name]);
  });
}

async function handle({ url }: Request): Promise<Response> {
  const n = Number(new URL(url).pathname.slice(1));
  if (!Number.isSafeInteger(n)) return new Response("?\n", { status: 404 });
  try {
    return new Response(`${await pool.execute("fib", [n])}\n`);
  } catch (error) {
    if (!(error instanceof JobTimeoutError)) throw error;
    return new Response(`${error.message}\n`, { status: 503 });
  }
}

const port = Number(Deno.args[0] ?? 8000);
const server = Deno.serve({ hostname: "127.0.0.1", port }, handle);
Deno.addSignalListener("SIGINT", () => server.shutdown());
await server.finished; // then the pool closes
