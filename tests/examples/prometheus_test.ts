// Tests the Prometheus example with a parser of the Prometheus text format.
import { assert, assertEquals } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import parse from "parse-prometheus-text-format";
import { prometheusText } from "../../examples/prometheus_text.ts";
import { Example } from "./example.ts";

interface Metric {
  labels?: Record<string, string>;
  value?: string;
  buckets?: Record<string, string>;
  count?: string;
  sum?: string;
}

/** Parses a text, and returns the metrics of each family. */
function read(text: string): Record<string, Metric[]> {
  const families: { name: string; type: string; metrics: Metric[] }[] = //
    parse(text);
  return Object.fromEntries(
    families.map(({ name, type, metrics }) => [`${name} ${type}`, metrics]),
  );
}

/** Returns the value of the metric with these labels. */
function valueOf(metrics: Metric[], labels: Record<string, string>): number {
  const metric = metrics.find((one) => {
    return Object.entries(labels).every(([k, v]) => one.labels?.[k] === v);
  });
  assert(
    metric,
    `Expected ${JSON.stringify(labels)} in ${Deno.inspect(metrics)}`,
  );
  return Number(metric.value);
}

/** Returns the number of jobs of a name for each outcome. */
function outcomes(families: Record<string, Metric[]>, job: string) {
  return ["completed", "failed", "aborted", "timed_out"].map((outcome) => {
    return valueOf(families["pool_jobs_total COUNTER"], { job, outcome });
  });
}

Deno.test("prometheus.ts counts the jobs of each name and outcome", async () => {
  await using server = await Example.serve("prometheus.ts", { args: ["0"] });
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.text()];
  };
  const scrape = async () => read((await get("/metrics"))[1]);

  assertEquals(await get("/fib/20"), [200, "6765\n"]);
  assertEquals(await get("/fib/10"), [200, "55\n"]);
  // printf abc | sha256sum
  const hash =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assertEquals(await get("/sha256/abc"), [200, `${hash}\n`]);
  assertEquals((await get("/other"))[0], 404);

  assertEquals(await get("/fib/60"), [503, "took too long\n"]);

  const families = await scrape();
  assertEquals(outcomes(families, "fib"), [2, 0, 0, 1]);
  assertEquals(outcomes(families, "sha256"), [1, 0, 0, 0]);
  server.kill("SIGINT");
  assertEquals(await server.code(), 0, server.output);
});

Deno.test("prometheusText() escapes names, and has the numbers of running and queued jobs", async () => {
  const name = '"a" \\ b\n';
  const source = `export const f = (n) => n; export { f as ${
    JSON.stringify(name)
  } };`;
  await using pool = new ThreadPool<Record<string, (n: number) => number>>({
    module: `data:text/javascript,${encodeURIComponent(source)}`,
    size: 1,
    isolation: "none",
    statsByName: true,
  });
  await pool.execute(name, [1]);
  const forever = pool.execute(() => new Promise<void>(() => {}));
  const waiting = pool.execute("f", [1]);
  const settled = Promise.allSettled([forever, waiting]);
  await new Promise((resolve) => setTimeout(resolve));

  const families = read(prometheusText(pool));
  assertEquals(outcomes(families, name), [1, 0, 0, 0]);
  const gauge = (name: string) => Number(families[`${name} GAUGE`][0].value);
  assertEquals([gauge("pool_jobs_running"), gauge("pool_jobs_queued")], [1, 1]);
  await pool.terminate();
  await settled;
});

Deno.test("prometheusText() returns histograms in seconds whose buckets add up", async () => {
  await using pool = new ThreadPool({ size: 1, statsByName: true });
  const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));
  for (const ms of [0, 20, 200]) await pool.execute(wait, [ms]);
  const text = prometheusText(pool);
  const value = (line: string) =>
    Number(new RegExp(`^pool_run_seconds_${line} (.+)$`, "m").exec(text)?.[1]);
  const { runTime: { mean } } = pool.stats();
  const { name } = pool.stats().byName![0];
  const labels = (le: string) => `bucket\\{job="${name}",le="${le}"\\}`;
  assertEquals(value(labels("0.01")) <= 1, true);
  assertEquals(value(labels("0.1")) <= 2, true);
  assertEquals(value(labels("\\+Inf")), 3);
  assertEquals(value(`count\\{job="${name}"\\}`), 3);
  const sum = value(`sum\\{job="${name}"\\}`);
  assert(Math.abs(sum - 3 * mean / 1_000) < 1e-9);
});
