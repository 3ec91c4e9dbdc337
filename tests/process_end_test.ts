// A process that uses a pool ends by itself, when and as it should.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { runScript, runScriptWith } from "./script.ts";

/** What each script prints, and its exit code 0, mean that it did end. */
const SCRIPTS: Record<string, [behaviour: string, stdout: string]> = {
  await_using: ["await using ends the process after its jobs", "3\n"],
  last_job_crashes: [
    "await using ends the process though the last job killed its worker",
    "WorkerCrashedError\n",
  ],
  idle_pool: ["a pool that was never used keeps no process alive", "done\n"],
  terminated: [
    "terminate() ends the process, whatever its jobs do",
    "rejected\nrejected\nrejected\n",
  ],
  bad_module: [
    "a module that throws at the top does not end the process",
    "WorkerStartError\n",
  ],
  aborted: [
    "a job that is aborted and never ends keeps no process alive",
    "TimeoutError\n",
  ],
  from_worker: ["a job may have a pool of its own", "42\n"],
};

for (const [name, [behaviour, stdout]] of Object.entries(SCRIPTS)) {
  Deno.test(behaviour, async () => {
    assertEquals(await runScript(`scripts/${name}.ts`, "-A"), {
      code: 0,
      stdout,
      stderr: "",
    });
  });
}

/** How a pool was used that is not closed, and what it prints. */
const NEVER_CLOSED: Record<string, string> = {
  plain: "2\n",
  hardKill: "2\n",
  timeout: "2\n",
  recycled: "2\n",
  abandon: "left served\n",
  restAndGoOn: "slept\n",
  stream: "late\n",
  serve: "read\n",
};

for (const [way, stdout] of Object.entries(NEVER_CLOSED)) {
  Deno.test(`a pool that is never closed keeps its process for its jobs only (${way})`, async () => {
    assertEquals(
      await runScriptWith([way], "scripts/never_closed.ts", "-A"),
      { code: 0, stdout, stderr: "" },
    );
  });
}

Deno.test("a script that never awaits its results ends after its jobs", async () => {
  const { code, stdout, stderr } = await runScript(
    "scripts/never_awaits.ts",
    "-A",
  );
  const lines = stdout.trim().split("\n").sort();
  assertEquals(lines, Array.from({ length: 10 }, (_, i) => `job ${i}`));
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});

Deno.test("an error that nobody handles ends the process, and is told with its stack", async () => {
  const { code, stderr } = await runScript("scripts/unhandled.ts", "-A");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "RangeError: nobody looks");
});

Deno.test("inline jobs need no permission beside reading the package itself", async () => {
  const flags = ["--no-prompt", "--allow-read"];
  assertEquals(await runScript("scripts/few_permissions.ts", ...flags), {
    code: 0,
    stdout: "no more permission needed\n",
    stderr: "",
  });
});
