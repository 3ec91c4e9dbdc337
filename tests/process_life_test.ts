// What a process receives from its program, where its output goes, and that it ends
// with the program, however the program ends.
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  MemoryLimitError,
  type ThreadPoolOptions,
  WorkerStartError,
} from "@spindle/thread-pool";
import { type JobPool, makePool as makeAnyPool } from "./kinds.ts";
import { liveProcesses, lives, processesOfGroup } from "./live_processes.ts";
import { eventually, poolTest as test } from "./live_workers.ts";
import { runScriptWith, startScript } from "./script.ts";

const ALLOW_RUN = `--allow-run=${Deno.execPath()}`;

const onLinux = (name: string) => ({ name, ignore: Deno.build.os !== "linux" });

function makePool(options?: ThreadPoolOptions): JobPool {
  return makeAnyPool(options, "process");
}

/** Runs one job in a process with these options. */
function runIn(options: ThreadPoolOptions, ...flags: string[]) {
  const args = [JSON.stringify({ isolation: "process", ...options })];
  return runScriptWith(args, "scripts/restricted.ts", "--no-prompt", ...flags);
}

Deno.test("a program with processes needs only permission to run Deno", async () => {
  const { code, stdout, stderr } = await runIn(
    { permissions: "none" },
    ALLOW_RUN,
  );
  assertEquals([code, stdout, stderr], [0, "ran\n", ""]);
});

Deno.test("a program without permission to run Deno gets an error that names the flag", async () => {
  const { code, stdout } = await runIn({}, "--allow-read");
  assertEquals(code, 0);
  assertMatch(stdout, /WorkerStartError/);
  assertStringIncludes(stdout, ALLOW_RUN);
});

Deno.test("output of jobs in processes goes to the program's output", async () => {
  const args = ["prints"];
  const { code, stdout, stderr } = await runScriptWith(
    args,
    "scripts/processes.ts",
    "-A",
  );
  assertEquals(
    stdout,
    "program\nconsole.log\nDeno.stdout\nprocess.stdout\nworker\n200000\n",
  );
  assertEquals(
    stderr,
    "console.error\nDeno.stderr\nprocess.stderr\nworker's error\n",
  );
  assertEquals(code, 0);
});

/** Files of a program whose import map resolves its modules. */
const MAPPED: Record<string, string> = {
  "deno.json": JSON.stringify({
    imports: {
      "#answer": "./answer.ts",
      "@spindle/thread-pool": import.meta.resolve("../mod.ts"),
    },
  }),
  "answer.ts": "export const answer = 42;",
  "nested/jobs.ts": `import { answer } from "#answer";
export const give = () => answer;`,
  "nested/main.ts": `import { answer } from "#answer";
import { ThreadPool } from "@spindle/thread-pool";
await using pool = new ThreadPool({
  module: new URL("./jobs.ts", import.meta.url),
  size: 1,
  isolation: "process",
  permissions: "none",
});
console.log(answer, await pool.execute("give"));`,
  "nested/pool.ts": `import { ThreadPool } from "@spindle/thread-pool";
export async function give() {
  await using pool = new ThreadPool({
    module: new URL("./jobs.ts", import.meta.url),
    size: 1,
    isolation: "process",
  });
  return await pool.execute("give");
}`,
  "nested/worker.ts": `import { give } from "./pool.ts";
postMessage(await give());`,
  "nested/workers.ts": `import { ThreadPool } from "@spindle/thread-pool";
for (const kind of [{}, { hardKill: true }, { isolation: "process" }]) {
  const module = new URL("./pool.ts", import.meta.url);
  await using pool = new ThreadPool({ module, size: 1, ...kind });
  console.log(await pool.execute("give"));
}
const worker = new Worker(import.meta.resolve("./worker.ts"), { type: "module" });
worker.onmessage = ({ data }) => {
  console.log(data);
  worker.terminate();
};`,
};

/** Runs one of these files as a program, and returns its output. */
async function runMapped(main: string, ...flags: string[]): Promise<string> {
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/nested`);
  for (const [name, text] of Object.entries(MAPPED)) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
  }
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-lock", ...flags, `${directory}/nested/${main}`],
    cwd: "/",
    stdin: "null",
  }).output();
  await Deno.remove(directory, { recursive: true });
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout);
}

Deno.test("a process resolves modules with the program's import map, from any working directory", async () => {
  for (const flags of [["-A"], [ALLOW_RUN, "--no-prompt"]]) {
    assertEquals(await runMapped("main.ts", ...flags), "42 42\n");
  }
});

Deno.test("a process that a worker starts resolves modules with the program's import map", async () => {
  assertEquals(await runMapped("workers.ts", "-A"), "42\n".repeat(4));
});

test("execArgv passes flags to a process, and an error names an invalid flag", async () => {
  await using pool = makePool({ execArgv: ["--v8-flags=--expose-gc"] });
  const typeOfGc = () => typeof (globalThis as { gc?: unknown }).gc;
  assertEquals(await pool.execute(typeOfGc), "function");
  await using wrong = makePool({ execArgv: ["--no-such-flag"] });
  const job = () => wrong.execute("pid");
  await assertRejects(job, WorkerStartError, "--no-such-flag");
});

/** Returns what a job sees of its program. */
const surroundings = () => {
  const attempt = <T>(action: () => T): T | string => {
    try {
      return action();
    } catch (error) {
      return (error as Error).name;
    }
  };
  return {
    env: attempt(() => Deno.env.toObject()),
    cwd: attempt(() => Deno.cwd()),
    stdin: Deno.stdin.readSync(new Uint8Array(8)),
    args: Deno.args,
  };
};

test("permissions: a process without permissions sees nothing of its program", async () => {
  await using pool = makePool({ permissions: "none" });
  assertEquals(await pool.execute(surroundings), {
    env: "NotCapable",
    cwd: "/",
    stdin: null,
    args: [],
  });
});

test("permissions: a process gets only allowed environment variables, and the program's directory if it may read it", async () => {
  const permissions = { env: ["PATH"], run: true, read: ["."] };
  await using pool = makePool({ permissions });
  assertEquals((await pool.execute(surroundings)).cwd, Deno.cwd());
  const names = await pool.execute(async () => {
    const { stdout } = await new Deno.Command("env").output();
    const lines = new TextDecoder().decode(stdout).trim().split("\n");
    return lines.map((line) => line.split("=")[0]);
  });
  assert(names.includes("PATH"), String(names));
  // Deno needs these to find its modules and to decide on colors.
  const others = names.filter((name) =>
    !/^(PATH|HOME|DENO_\w+|(NO|FORCE)_COLOR)$/.test(name)
  );
  assertEquals(others, []);
});

for (const preload of [undefined, "no_core"]) {
  const what = preload === undefined ? "with" : "without";
  Deno.test(`processes work the same ${what} Deno's private pipes`, async () => {
    const flags = ["-A"];
    if (preload !== undefined) {
      flags.push(
        `--preload=${import.meta.resolve(`./fixtures/scripts/${preload}.ts`)}`,
      );
    }
    const lines = ["text", 3_000_000, 3_000_000, 3_000_000];
    lines.push("JobTimeoutError", "JobTimeoutError", "WorkerCrashedError");
    const args = ["pipes"];
    const { code, stdout, stderr } = await runScriptWith(
      args,
      "scripts/processes.ts",
      ...flags,
    );
    assertEquals([code, stdout, stderr], [
      0,
      [...lines, "again", ""].join("\n"),
      "",
    ]);
  });
}

/** Returns the id of a program's warden, or 0 unless there is exactly one. */
async function wardenOf(program: number): Promise<number> {
  const wardens = (await liveProcesses(program))
    .filter((line) => line.includes("guardProcesses"));
  return wardens.length === 1 ? parseInt(wardens[0]) : 0;
}

/** Kills the warden of a program, and returns the id of the next warden. */
async function endWarden(program: number): Promise<number> {
  const before = await wardenOf(program);
  Deno.kill(before, "SIGKILL");
  let pid = 0;
  await eventually(async () => {
    pid = await wardenOf(program);
    return pid > 0 && pid !== before;
  }, () => `Nobody has replaced warden ${before}`);
  return pid;
}

test(
  onLinux("a warden that is killed is replaced by one that does the same"),
  async () => {
    await using pool = makePool({ memoryLimit: 64 });
    await pool.execute("pid");
    for (let i = 0; i < 3; i++) await endWarden(Deno.pid);
    await assertRejects(() => pool.execute("takeBuffers"), MemoryLimitError);
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);

/** Reads `count` lines of a program's output. */
async function readLines(program: Deno.ChildProcess, count: number) {
  await program.stderr.cancel();
  let text = "";
  const decoded = program.stdout.pipeThrough(new TextDecoderStream());
  for await (const more of decoded) {
    text += more;
    if (text.split("\n").length > count) break;
  }
  return text.trim().split("\n");
}

for (
  const how of ["SIGKILL", "SIGTERM", "SIGKILL after their warden was ended"]
) {
  Deno.test(
    onLinux(
      `processes that loop end with a program that is ended by ${how}`,
    ),
    async () => {
      const program = startScript(["loops"], "scripts/processes.ts", "-A");
      const pids = (await readLines(program, 2)).map(Number);
      using stack = new DisposableStack();
      stack.defer(() => {
        // If the test fails, they would loop on.
        for (const pid of pids.filter(lives)) Deno.kill(pid, "SIGKILL");
      });
      assert(pids.every(lives));
      if (how.includes("warden")) await endWarden(program.pid);
      // The program, two looping processes, and the warden.
      assertEquals((await processesOfGroup(program.pid)).length, 4);
      program.kill(how.slice(0, 7) as Deno.Signal);
      await program.status;
      let left: string[] = [];
      await eventually(async () => {
        left = await processesOfGroup(program.pid);
        return left.length === 0 && !pids.some(lives);
      }, () => `Expected no process to be left, found ${left.join(", ")}`);
    },
  );
}

for (const signal of ["INT", "HUP"]) {
  Deno.test(
    onLinux(
      `SIG${signal} to the whole group does not end processes before their program`,
    ),
    async () => {
      const program = startScript(["closes"], "scripts/processes.ts", "-A");
      await program.stderr.cancel();
      let text = "";
      const decoded = program.stdout.pipeThrough(new TextDecoderStream());
      for await (const more of decoded) {
        text += more;
        if (text !== "running\n") continue;
        const args = [`-${signal}`, "--", `-${program.pid}`];
        await new Deno.Command("kill", { args }).output();
      }
      await program.status;
      assertEquals(text, "running\nfinished\n");
    },
  );
}
