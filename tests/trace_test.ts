// Tracing: spans of a handler are children of its caller's span.
import { assert, assertEquals } from "@std/assert";
import { ALL_KINDS } from "./kinds.ts";
import { eventually, isLacking } from "./live_workers.ts";

interface Span {
  name: string;
  spanId: string;
  traceId: string;
  parentSpanId?: string;
}

/** Receives spans, like a collector of OpenTelemetry. */
function collect() {
  const spans: Span[] = [];
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen() {} },
    async (request) => {
      const body = await request.json();
      for (const { scopeSpans } of body.resourceSpans ?? []) {
        // deno-lint-ignore no-explicit-any
        spans.push(...scopeSpans.flatMap(({ spans }: any) => spans));
      }
      return Response.json({});
    },
  );
  const { port } = server.addr;
  return {
    spans,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Runs the program until all its spans have arrived. */
async function run(
  options: unknown,
  env: Record<string, string>,
  hasAll = () => true,
) {
  const main = new URL("./fixtures/trace_main.ts", import.meta.url);
  await using child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", main.href, JSON.stringify(options)],
    env: { NO_COLOR: "1", ...env },
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.text();
  await eventually(hasAll, () => "Expected more spans");
  await child.stdin.close();
  const text = await output;
  const { success } = await child.status;
  assert(success, text);
  return JSON.parse(text);
}

const JOBS = ["job of a", "job of none", "job of b", "job of c"];
const NAMES = ["a", "b", "c", ...JOBS, ...JOBS.map((job) => `${job} inner`)];

const KINDS = {
  ...ALL_KINDS,
  "thread with concurrency": { concurrency: 4 },
  "thread with a timeout": { timeout: 10_000 },
  "process with concurrency": { isolation: "process", concurrency: 4 },
};

for (const [kind, options] of Object.entries(KINDS)) {
  const name = `a handler's spans are children of its caller's (${kind})`;
  Deno.test(name, { ignore: isLacking(name) }, async () => {
    await using collector = collect();
    const { spans, url } = collector;
    const names = () => spans.map(({ name }) => name).sort();
    const { results } = await run(options, {
      OTEL_DENO: "true",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_ENDPOINT: url,
      OTEL_BSP_SCHEDULE_DELAY: "20",
    }, () => names().length >= NAMES.length);
    assertEquals(names(), NAMES.toSorted());
    const [a, _none, b, c] = results;
    assertEquals([a, b, c], [true, true, true]);
    const find = (name: string) => spans.find((span) => span.name === name)!;
    for (const name of ["a", "b", "c"]) {
      const [caller, job] = [find(name), find(`job of ${name}`)];
      assertEquals(caller.parentSpanId ?? "", "");
      assertEquals(job.parentSpanId, caller.spanId);
      assertEquals(job.traceId, caller.traceId);
      assertEquals(find(`job of ${name} inner`).parentSpanId, job.spanId);
    }
    const alone = find("job of none");
    assertEquals(alone.parentSpanId ?? "", "");
    assertEquals(find("job of none inner").parentSpanId, alone.spanId);
    assertEquals(new Set(spans.map(({ traceId }) => traceId)).size, 4);
  });
}

Deno.test("a job runs as usual without OpenTelemetry", async () => {
  const { results, fields } = await run({}, {});
  assertEquals(fields, []);
  assertEquals([results[0], results[2], results[3]], [true, true, true]);
});
