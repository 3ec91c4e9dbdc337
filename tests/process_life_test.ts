// What a process is given of the program around it, where it says what it says,
// and that it ends with the program, however that ends.
import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { fileURLToPath } from "node:url";
import {
  MemoryLimitError,
  ThreadPool,
  type ThreadPoolOptions,
  WorkerStartError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/processes.ts";
import { liveProcesses, lives } from "./live_processes.ts";
import { eventually, poolTest } from "./live_workers.ts";
import { runScript, runScriptWith } from "./script.ts";

const MODULE = new URL("./fixtures/processes.ts", import.meta.url);
const ALLOW_RUN = `--allow-run=${Deno.execPath()}`;

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  return new ThreadPool<typeof jobs>({
    module: MODULE,
    size: 1,
    isolation: "process",
    ...options,
  });
}

Deno.test("a program needs to run Deno, and nothing else, for processes", async () => {
  const options = { isolation: "process", permissions: "none" };
  assertEquals(
    await runScriptWith(
      [JSON.stringify(options)],
      "scripts/restricted.ts",
      "--no-prompt",
      ALLOW_RUN,
    ),
    { code: 0, stdout: "ran\n", stderr: "" },
  );
});

Deno.test("a program that may not run Deno gets an error that names the flag", async () => {
  const { code, stdout } = await runScriptWith(
    [JSON.stringify({ isolation: "process" })],
    "scripts/restricted.ts",
    "--no-prompt",
    "--allow-read",
  );
  assertEquals(code, 0);
  assertStringIncludes(stdout, "WorkerStartError");
  assertStringIncludes(stdout, ALLOW_RUN);
});

Deno.test("what jobs print in processes goes where the program's output goes", async () => {
  const { code, stdout, stderr } = await runScript(
    "scripts/process_print.ts",
    "-A",
  );
  assertEquals(stdout.split("\n"), [
    "program",
    "console.log",
    "Deno.stdout",
    "process.stdout",
    "worker",
    "200000",
    "",
  ]);
  assertEquals(stderr.split("\n"), [
    "console.error",
    "Deno.stderr",
    "process.stderr",
    "worker's error",
    "",
  ]);
  assertEquals(code, 0);
});

/** The files of a program whose modules are found by its import map. */
const MAPPED: Record<string, string> = {
  "deno.json": JSON.stringify({
    imports: {
      "#answer": "./answer.ts",
      "@spindle/thread-pool": import.meta.resolve("../mod.ts"),
    },
  }),
  "answer.ts": "export const answer = 42;",
  "nested/jobs.ts": `
import { answer } from "#answer";
export function give(): number {
  return answer;
}`,
  "nested/main.ts": `
import { answer } from "#answer";
import { ThreadPool } from "@spindle/thread-pool";
await using pool = new ThreadPool({
  module: new URL("./jobs.ts", import.meta.url),
  size: 1,
  isolation: "process",
  permissions: "none",
});
console.log(answer, await pool.execute("give"));`,
};

Deno.test("a process finds modules by the program's import map, wherever that is started", async () => {
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/nested`);
  for (const [name, text] of Object.entries(MAPPED)) {
    await Deno.writeTextFile(`${directory}/${name}`, text);
  }
  for (const flags of [["-A"], [ALLOW_RUN, "--no-prompt"]]) {
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-lock", ...flags, `${directory}/nested/main.ts`],
      cwd: "/",
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stdout), "42 42\n", decoder.decode(stderr));
  }
  await Deno.remove(directory, { recursive: true });
});

poolTest("execArgv gives a process further flags", async () => {
  await using pool = makePool({ execArgv: ["--v8-flags=--expose-gc"] });
  assertEquals(
    await pool.execute(() => typeof (globalThis as { gc?: unknown }).gc),
    "function",
  );
});

poolTest(
  "a module that cannot be loaded in a process stops the pool, with the reason",
  async () => {
    await using pool = new ThreadPool({
      module: new URL("./fixtures/missing.ts", import.meta.url),
      size: 1,
      isolation: "process",
    });
    const error = await assertRejects(
      () => pool.execute(() => 1),
      WorkerStartError,
    );
    assertStringIncludes(error.message, "missing.ts");
  },
);

poolTest("a process that cannot even start says why", async () => {
  await using pool = makePool({ execArgv: ["--no-such-flag"] });
  const error = await assertRejects(
    () => pool.execute("pid"),
    WorkerStartError,
  );
  assertStringIncludes(error.message, "--no-such-flag");
});

poolTest(
  "without permissions a process sees nothing of the program around it",
  async () => {
    await using pool = makePool({ permissions: "none" });
    assertEquals(await pool.execute("surroundings"), {
      env: "NotCapable",
      cwd: "/",
      stdin: null,
      args: [],
    });
  },
);

poolTest(
  "a process has no environment but what its permissions allow",
  async () => {
    await using pool = makePool({ permissions: { env: ["PATH"], run: true } });
    const names = await pool.execute(async () => {
      const { stdout } = await new Deno.Command("env").output();
      const lines = new TextDecoder().decode(stdout).trim().split("\n");
      return lines.map((line) => line.split("=")[0]);
    });
    assert(names.includes("PATH"), String(names));
    // By these Deno finds its modules, and knows whether it may use colors.
    const others = names.filter((name) =>
      !/^(PATH|HOME|DENO_\w+|(NO|FORCE)_COLOR)$/.test(name)
    );
    assertEquals(others, []);
  },
);

poolTest(
  "a process that may read where the program works works there as well",
  async () => {
    await using pool = makePool({ permissions: { read: ["."] } });
    assertEquals((await pool.execute("surroundings")).cwd, Deno.cwd());
  },
);

const onLinux = (name: string) => ({ name, ignore: Deno.build.os !== "linux" });

for (const job of ["takeStrings", "takeBuffers"] as const) {
  poolTest(
    onLinux(`a job that takes too much memory fails alone (${job})`),
    async () => {
      await using pool = makePool({ memoryLimit: 64 });
      const error = await assertRejects(
        () => pool.execute(job),
        MemoryLimitError,
      );
      assert(error.started);
      assertEquals(await pool.execute("echo", [1]), 1);
    },
  );
}

/** Starts a script that loops in processes, and gives it with their numbers. */
async function startLooping() {
  const script = new URL(
    "./fixtures/scripts/process_loops.ts",
    import.meta.url,
  );
  const program = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(script)],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines = program.stdout.pipeThrough(new TextDecoderStream());
  let text = "";
  for await (const more of lines) {
    text += more;
    if (text.trim().split("\n").length === 2 && text.endsWith("\n")) break;
  }
  return { program, pids: text.trim().split("\n").map(Number) };
}

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(
    onLinux(
      `processes end with a program that is ended by ${signal}, though they loop`,
    ),
    async () => {
      const { program, pids } = await startLooping();
      assertGreater(pids[0], 0);
      assert(pids.every(lives));
      program.kill(signal);
      await program.status;
      await eventually(() => !pids.some(lives), () => `${pids} still live`);
    },
  );
}

for (const mask of [undefined, "no_core"]) {
  const what = mask === undefined ? "with" : "without";
  Deno.test(`processes work the same ${what} Deno's private pipes`, async () => {
    const flags = ["-A"];
    if (mask !== undefined) {
      const preload = new URL(
        `./fixtures/scripts/${mask}.ts`,
        import.meta.url,
      );
      flags.push(`--preload=${preload.href}`);
    }
    const lines = ["text", 3_000_000, 3_000_000, 3_000_000];
    lines.push("JobTimeoutError", "JobTimeoutError", "WorkerCrashedError");
    assertEquals(await runScript("scripts/process_pipes.ts", ...flags), {
      code: 0,
      stdout: [...lines, "again", ""].join("\n"),
      stderr: "",
    });
  });
}

/** The number of the one warden that runs. */
async function wardenPid(): Promise<number> {
  const wardens = (await liveProcesses()).filter((line) =>
    line.includes("warden_main.ts")
  );
  return wardens.length === 1 ? parseInt(wardens[0]) : 0;
}

poolTest(
  onLinux("a warden that somebody ends is replaced, and does all that it did"),
  async () => {
    await using pool = makePool({ memoryLimit: 64 });
    await pool.execute("pid");
    for (let i = 0; i < 4; i++) {
      const pid = await wardenPid();
      assertGreater(pid, 0);
      Deno.kill(pid, "SIGKILL");
      await eventually(async () => {
        const other = await wardenPid();
        return other > 0 && other !== pid;
      }, () => `Nobody has replaced warden ${pid}`);
    }
    await assertRejects(() => pool.execute("takeBuffers"), MemoryLimitError);
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);

Deno.test(
  onLinux(
    "processes end with their program, though their warden was ended first",
  ),
  async () => {
    const { program, pids } = await startLooping();
    const warden = async () =>
      (await liveProcesses(program.pid)).find((line) =>
        line.includes("warden_main.ts")
      );
    const first = (await warden())!;
    Deno.kill(parseInt(first), "SIGKILL");
    let other: string | undefined;
    await eventually(async () => {
      other = await warden();
      return other !== undefined && other !== first;
    }, () => "Nobody has replaced the warden");
    program.kill("SIGKILL");
    await program.status;
    await eventually(() => !pids.some(lives), () => `${pids} still live`);
    await eventually(
      () => !lives(parseInt(other!)),
      () => `The warden ${other} still lives`,
    );
  },
);

Deno.test(
  onLinux("an interrupt of the whole group leaves processes to their program"),
  async () => {
    const script = new URL(
      "./fixtures/scripts/process_closes.ts",
      import.meta.url,
    );
    const program = new Deno.Command("setsid", {
      args: [Deno.execPath(), "run", "-A", fileURLToPath(script)],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    let text = "";
    for await (
      const more of program.stdout.pipeThrough(new TextDecoderStream())
    ) {
      text += more;
      if (text === "running\n") {
        await new Deno.Command("kill", {
          args: ["-INT", "--", `-${program.pid}`],
        })
          .output();
      }
    }
    await program.status;
    assertEquals(text, "running\nfinished\n");
  },
);
