// A process that uses a pool ends by itself, when and as it should.
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fileURLToPath } from "node:url";
import { processesOfGroup } from "./live_processes.ts";
import { eventually } from "./live_workers.ts";
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

/** The same with workers that are processes. */
const PROCESS_NEVER_CLOSED: Record<string, string> = {
  process: "2\n",
  processWithoutPermissions: "2\n",
  processMemoryLimit: "2\n",
  processRecycled: "2\n",
  processRestAndGoOn: "slept\n",
  processStream: "late\n",
  processLateStream: "late\n",
  processTimerLeft: "left\n",
};

/** Starts a script as the first of a group, to which all that it starts belongs. */
function startGroup(script: string, ...args: string[]): Deno.ChildProcess {
  const url = new URL(`./fixtures/scripts/${script}`, import.meta.url);
  return new Deno.Command("setsid", {
    args: [
      ...[Deno.execPath(), "run", "--no-check", "-A", fileURLToPath(url)],
      ...args,
    ],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
}

async function assertNoneLeft(group: number): Promise<void> {
  let left: string[] = [];
  await eventually(async () => {
    left = await processesOfGroup(group);
    return left.length === 0;
  }, () => `Expected no process to be left, found ${left.join(", ")}`);
}

const onLinux = (name: string) => ({ name, ignore: Deno.build.os !== "linux" });

for (const [way, stdout] of Object.entries(PROCESS_NEVER_CLOSED)) {
  Deno.test(
    onLinux(
      `a pool of processes that is never closed keeps its program for its jobs only (${way})`,
    ),
    async () => {
      const program = startGroup("never_closed.ts", way);
      const tooLong = setTimeout(() => program.kill("SIGKILL"), 15_000);
      const output = await program.output();
      clearTimeout(tooLong);
      assertEquals(new TextDecoder().decode(output.stdout), stdout);
      assertEquals(output.code, 0);
      await assertNoneLeft(program.pid);
    },
  );
}

Deno.test(
  onLinux("no process of a program that is killed is left, nor their warden"),
  async () => {
    const program = startGroup("process_loops.ts");
    let text = "";
    for await (
      const more of program.stdout.pipeThrough(new TextDecoderStream())
    ) {
      text += more;
      if (text.split("\n").length > 2) break;
    }
    // The program, two that loop, and the warden.
    assertEquals((await processesOfGroup(program.pid)).length, 4);
    program.kill("SIGKILL");
    await program.status;
    await assertNoneLeft(program.pid);
  },
);

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
