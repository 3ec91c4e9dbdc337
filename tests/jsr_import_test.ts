// The package as its user gets it: imported from JSR, with its least permissions.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { Consumer, type Run } from "./jsr_consumer.ts";
import { JsrRegistry } from "./jsr_registry.ts";

function assertPrints(run: Run, text: string) {
  assertEquals(run.code, 0, run.stderr);
  assertEquals(run.stdout, text);
}

function assertCannotRead(run: Run, file: string) {
  assertEquals(run.code, 1, run.stderr);
  assertEquals(run.stdout, "");
  assertMatch(run.stderr, /Uncaught \(in promise\) WorkerStartError: /);
  const reason = `Requires read access to ".*${file}"`;
  assertMatch(run.stderr, new RegExp(reason));
}

const NAMED = "add on worker 1 gave 6\n";
const INLINE = "inline gave 3\n";

Deno.test("jsr import: a program is type-checked with the package's types", async () => {
  await using registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  const files = ["named.ts", "inline.ts", "misuse.ts", "killable.ts"];
  const { code, stderr } = await consumer.deno("check", ...files);
  assertEquals(code, 0, stderr);
});

Deno.test("jsr import: inline jobs run without any permission", async () => {
  await using registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  assertPrints(await consumer.deno("run", "inline.ts"), INLINE);
});

Deno.test("jsr import: named jobs run with read access to the folder of their module alone", async () => {
  await using registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  const flag = `--allow-read=${consumer.dir}`;
  assertPrints(await consumer.deno("run", flag, "named.ts"), NAMED);
});

Deno.test("jsr import: named jobs without read access to their module fail with WorkerStartError", async () => {
  await using registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  assertCannotRead(await consumer.deno("run", "named.ts"), "jobs\\.ts");
});

Deno.test("jsr import: named jobs without read access to what their module imports fail with WorkerStartError", async () => {
  await using registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  const flag = `--allow-read=${join(consumer.dir, "jobs.ts")}`;
  assertCannotRead(await consumer.deno("run", flag, "named.ts"), "sum\\.ts");
});

Deno.test("jsr import: a second run needs no registry", async () => {
  const registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  const flag = `--allow-read=${consumer.dir}`;
  {
    await using _ = registry;
    assertPrints(await consumer.deno("run", flag, "named.ts"), NAMED);
  }
  const second = await consumer.deno("run", "--cached-only", flag, "named.ts");
  assertPrints(second, NAMED);
});

Deno.test("jsr import: the package is cached together with its worker", async () => {
  const registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  {
    await using _ = registry;
    const { code, stderr } = await consumer.deno("cache", "inline.ts");
    assertEquals(code, 0, stderr);
  }
  assertPrints(
    await consumer.deno("run", "--cached-only", "inline.ts"),
    INLINE,
  );
});

Deno.test("jsr import: currentJob() holds when the job module has another copy of the package", async () => {
  await using registry = await JsrRegistry.start("0.1.0", "0.1.1");
  await using consumer = await Consumer.copy(registry);
  await consumer.pin("jobs.ts", "0.1.0");
  const flag = `--allow-read=${consumer.dir}`;
  assertPrints(await consumer.deno("run", flag, "named.ts"), NAMED);
  for (const version of ["0.1.0", "0.1.1"]) {
    const copy = `/@spindle/thread-pool/${version}/src/worker/current_job.ts`;
    assert(registry.requests.includes(copy), `Expected ${copy} to be loaded`);
  }
});

Deno.test("jsr import: workers that can be stopped need no further permission", async () => {
  await using registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  const flag = `--allow-read=${consumer.dir}`;
  assertPrints(await consumer.deno("run", flag, "killable.ts"), NAMED);
});

Deno.test("jsr import: a sandbox holds, and its module is loaded all the same", async () => {
  await using registry = await JsrRegistry.start("0.1.0");
  await using consumer = await Consumer.copy(registry);
  const flags = [
    `--allow-read=${consumer.dir}`,
    `--allow-run=${Deno.execPath()}`,
    // Of this registry only an environment variable tells.
    "--allow-env=JSR_URL",
    "--unstable-worker-options",
  ];
  const run = await consumer.deno("run", ...flags, "sandbox.ts");
  assertPrints(run, `${NAMED}NotCapable\n`.repeat(2));
});
