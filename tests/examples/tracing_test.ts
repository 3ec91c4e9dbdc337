// Tests the example that traces and measures jobs, with a collector for OpenTelemetry.
import { assert, assertEquals } from "@std/assert";
import { Example } from "./example.ts";

interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

interface Span {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: Attribute[];
}

interface Point {
  attributes: Attribute[];
  asDouble?: number;
  count?: string;
  sum?: number;
  bucketCounts?: string[];
  explicitBounds?: number[];
}

const read = (attributes: Attribute[]) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, Object.values(value)[0]]),
  );

/** Receives spans and metrics. */
class Collector implements AsyncDisposable {
  readonly spans: Span[] = [];
  /** Last points of each metric. */
  readonly points = new Map<string, Point[]>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  #onReceive = () => {};

  constructor() {
    const options = { port: 0, hostname: "127.0.0.1", onListen() {} };
    this.#server = Deno.serve(options, async (request) => {
      const { resourceSpans = [], resourceMetrics = [] } = await request.json();
      for (const { scopeSpans } of resourceSpans) {
        for (const { spans } of scopeSpans) this.spans.push(...spans);
      }
      for (const { scopeMetrics } of resourceMetrics) {
        for (const { metrics } of scopeMetrics) {
          for (const { name, sum, gauge, histogram } of metrics) {
            const { dataPoints } = sum ?? gauge ?? histogram;
            this.points.set(name, dataPoints);
          }
        }
      }
      this.#onReceive();
      return Response.json({});
    });
  }

  get env(): Record<string, string> {
    return {
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${this.#server.addr.port}`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_METRIC_EXPORT_INTERVAL: "200", // ms
    };
  }

  /** Resolves when the condition is true. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => this.#onReceive = resolve);
    }
  }

  /** Returns the point of a metric with exactly these attributes. */
  point(metric: string, attributes: Record<string, string> = {}): Point {
    const points = this.points.get(metric) ?? [];
    const all = JSON.stringify(Object.entries(attributes).sort());
    const point = points.find((point) => {
      const own = Object.entries(read(point.attributes)).sort();
      return JSON.stringify(own) === all;
    });
    assert(point, `Expected ${metric} ${all} in ${JSON.stringify(points)}`);
    return point;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#server.shutdown();
  }
}

Deno.test("tracing.ts sends a job's span as a child of its request's span, and counts and times of jobs", async () => {
  await using collector = new Collector();
  const { env } = collector;
  await using server = await Example.serve("tracing.ts", { args: ["0"], env });
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
    return [response.status, await response.text()];
  };
  assertEquals(await get("/20"), [200, "6765\n"]);
  assertEquals(await get("/10"), [200, "55\n"]);
  assertEquals((await get("/60"))[0], 503);
  assertEquals((await get("/x"))[0], 404);

  const gauge = (name: string) => collector.points.get(name)?.[0].asDouble;
  await collector.until(() =>
    gauge("pool.idle")! > 0 && gauge("pool.running") === 0 &&
    gauge("pool.queued") === 0 && gauge("pool.lost") === 0
  );
  server.kill("SIGINT");
  assertEquals(await server.code(), 0, server.output);

  const requests = collector.spans.filter(({ name }) => name === "GET");
  const paths = requests.map(({ attributes }) => read(attributes)["url.path"]);
  assertEquals(paths.toSorted(), ["/10", "/20", "/60", "/x"]);
  const jobs = collector.spans.filter(({ name }) => name === "fib");
  for (const path of ["/20", "/10"]) {
    const request = requests[paths.indexOf(path)];
    const [job, ...others] = jobs.filter(({ parentSpanId }) =>
      parentSpanId === request.spanId
    );
    assert(job, `Expected a span below that of ${path}`);
    assertEquals(others, []);
    assertEquals(job.traceId, request.traceId);
    assertEquals(read(job.attributes).n, Number(path.slice(1)));
  }

  const fine = { job: "fib" };
  const late = { job: "fib", "error.type": "JobTimeoutError" };
  assertEquals(collector.point("pool.jobs", fine).asDouble, 2);
  assertEquals(collector.point("pool.jobs", late).asDouble, 1);
  for (const name of ["pool.job.wait_time", "pool.job.run_time"]) {
    const { count, bucketCounts, explicitBounds } = collector.point(name, fine);
    assertEquals(Number(count), 2);
    assertEquals(bucketCounts!.reduce((sum, n) => sum + Number(n), 0), 2);
    assertEquals(explicitBounds![0], 0.001);
  }
  assert(collector.point("pool.job.run_time", late).sum! >= 1); // s
});
