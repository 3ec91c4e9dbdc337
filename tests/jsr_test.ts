// Tests of what `deno publish` ships, and of programs that import it from JSR with
// the fewest permissions.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import config from "../deno.json" with { type: "json" };
import { Consumer, moduleGraph, ROOT, type Run, shippedFiles } from "./jsr.ts";
import { isLacking } from "./live_workers.ts";

const { version: VERSION } = config;
/** Another version that satisfies the programs' version ranges. */
const NEXT = VERSION.replace(/\d+$/, (patch) => `${Number(patch) + 1}`);
const PAPERS = ["ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "README.md"];

/** Returns the modules in a folder of the package and below it. */
async function modulesIn(folder: string): Promise<string[]> {
  const modules: string[] = [];
  for await (const entry of Deno.readDir(new URL(folder, ROOT))) {
    const path = folder + entry.name;
    if (entry.isDirectory) modules.push(...await modulesIn(`${path}/`));
    else if (path.endsWith(".ts")) modules.push(path);
  }
  return modules;
}

Deno.test("publish: ships the modules, deno.json and the documents, and nothing else", async () => {
  const modules = await modulesIn("src/");
  const expected = ["deno.json", "mod.ts", ...PAPERS, ...modules].sort();
  assertEquals(await shippedFiles(), expected);
});

Deno.test("publish: no file contains a path of the machine that it was made on", async () => {
  const checkout = RegExp.escape(fileURLToPath(ROOT));
  const path = new RegExp(
    String
      .raw`file:///|\b[A-Z]:\\|(?<![\w.*)}\]/-])(?:/(?:home|root|tmp|Users)/|${checkout})`,
  );
  for (const file of await shippedFiles()) {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    assertEquals(path.exec(text)?.[0], undefined, `in ${file}`);
  }
});

Deno.test("publish: modules import only relative and built-in modules, and an export reaches each module", async () => {
  const graph = await moduleGraph();
  for (const [module, specifiers] of graph) {
    const others = specifiers.filter((one) => !/^(\.|node:)/.test(one));
    assertEquals(others, [], `in ${module}`);
  }
  const files = await shippedFiles();
  const modules = files.filter((file) => file.endsWith(".ts"));
  assertEquals([...graph.keys()].sort(), modules);
});

const NAMED = "add on worker 1 gave 6\n";
const INLINE = "inline gave 3\n";

function assertPrints(run: Run, text: string) {
  assertEquals(run.code, 0, run.stderr);
  assertEquals(run.stdout, text);
}

Deno.test("jsr import: a program is type-checked with the package's types", async () => {
  await using consumer = await Consumer.of(VERSION);
  const files = ["named.ts", "inline.ts", "misuse.ts", "killable.ts"];
  const { code, stderr } = await consumer.deno("check", ...files);
  assertEquals(code, 0, stderr);
});

Deno.test("jsr import: inline jobs run without any permission, even from the cache", async () => {
  await using consumer = await Consumer.of(VERSION);
  const { code, stderr } = await consumer.deno("cache", "inline.ts");
  assertEquals(code, 0, stderr);
  await consumer.disconnect();
  assertPrints(
    await consumer.deno("run", "--cached-only", "inline.ts"),
    INLINE,
  );
});

Deno.test("jsr import: named jobs need read access only to their module's folder, even with hardKill", async () => {
  await using consumer = await Consumer.of(VERSION);
  const flag = `--allow-read=${consumer.dir}`;
  assertPrints(await consumer.deno("run", flag, "named.ts"), NAMED);
  if (isLacking("killable")) return;
  assertPrints(await consumer.deno("run", flag, "killable.ts"), NAMED);
  await consumer.disconnect();
  const again = await consumer.deno("run", "--cached-only", flag, "named.ts");
  assertPrints(again, NAMED);
});

Deno.test("jsr import: named jobs without read access to their module or its imports fail with WorkerStartError", async () => {
  await using consumer = await Consumer.of(VERSION);
  const module = `--allow-read=${join(consumer.dir, "jobs.ts")}`;
  const runs: [flags: string[], file: string][] = [
    [[], "jobs\\.ts"],
    [[module], "sum\\.ts"],
  ];
  for (const [flags, file] of runs) {
    const run = await consumer.deno("run", ...flags, "named.ts");
    assertEquals([run.code, run.stdout], [1, ""], run.stderr);
    assertMatch(run.stderr, /Uncaught \(in promise\) WorkerStartError: /);
    assertMatch(run.stderr, new RegExp(`Requires read access to ".*${file}"`));
  }
});

Deno.test("jsr import: currentJob() works when the job module has another copy of the package", async () => {
  await using consumer = await Consumer.of(VERSION, NEXT);
  await consumer.pin("jobs.ts", VERSION);
  const flag = `--allow-read=${consumer.dir}`;
  assertPrints(await consumer.deno("run", flag, "named.ts"), NAMED);
  for (const version of [VERSION, NEXT]) {
    const copy = `/@spindle/thread-pool/${version}/src/worker/current_job.ts`;
    assert(consumer.requests.includes(copy), `Expected ${copy} to be loaded`);
  }
});

/** Runs the program with sandboxed jobs, and returns its error output. */
async function runSandbox(consumer: Consumer): Promise<string> {
  const flags = [
    `--allow-read=${consumer.dir}`,
    `--allow-run=${Deno.execPath()}`,
    // Only an environment variable names this registry.
    "--allow-env=JSR_URL",
    "--unstable-worker-options",
  ];
  const run = await consumer.deno("run", ...flags, "sandbox.ts");
  assertPrints(run, `${NAMED}NotCapable\n`.repeat(2));
  return run.stderr;
}

Deno.test("jsr import: a sandbox holds, and its module still loads", async () => {
  await using consumer = await Consumer.of(VERSION);
  await runSandbox(consumer);
});

Deno.test("jsr import: a vendored program's sandbox holds, and the warden of its processes runs", async () => {
  await using consumer = await Consumer.of(VERSION);
  await Deno.writeTextFile(join(consumer.dir, "deno.json"), '{"vendor":true}');
  const { code, stderr } = await consumer.deno("cache", "sandbox.ts");
  assertEquals(code, 0, stderr);
  assertEquals(await runSandbox(consumer), "");
});
