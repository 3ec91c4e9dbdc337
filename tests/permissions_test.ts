// The sandbox, in threads and processes: what jobs may do, and that they get no
// more by any way that they try.
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ThreadPoolOptions } from "@spindle/thread-pool";
import { runScriptWith } from "./script.ts";

/** Given to a process of its own, since without it Deno knows no sandbox. */
const FLAG = "--unstable-worker-options";

const KINDS = ["read", "write", "net", "env", "run", "ffi", "import", "sys"];

const DENIED =
  /^\w+: (Requires .*access|Can't escalate|.*--cached-only is specified)/;

/** What came of each attempt of these in each of the sandboxes. */
async function tryIn(
  attempts: "kinds" | "escalations",
  ...sandboxes: ThreadPoolOptions[]
): Promise<Record<string, string>[]> {
  const { code, stdout, stderr } = await runScriptWith(
    [JSON.stringify([attempts, ...sandboxes])],
    "scripts/sandbox.ts",
    "-A",
    "--no-prompt",
    FLAG,
  );
  assertEquals(code, 0, stderr);
  return JSON.parse(stdout);
}

/** The kinds that are not denied. */
function allowed(answers: Record<string, string>): string[] {
  return KINDS.filter((kind) => !DENIED.test(answers[kind]));
}

/** Runs one job in a pool of these options. */
async function runIn(options: ThreadPoolOptions, ...flags: string[]) {
  const { code, stdout } = await runScriptWith(
    [JSON.stringify(options)],
    "scripts/restricted.ts",
    ...flags,
  );
  return { code, stdout };
}

Deno.test("without the option, or to inherit, a job may do what the program may", async () => {
  const sandboxes = [{}, { permissions: "inherit" }] as const;
  for (const answers of await tryIn("kinds", ...sandboxes)) {
    assertEquals(allowed(answers), KINDS);
  }
});

for (const isolation of ["thread", "process"] as const) {
  Deno.test(`${isolation}: with none, every kind is denied, and a module that may not be read loads all the same`, async () => {
    const [answers] = await tryIn("kinds", { isolation, permissions: "none" });
    assertEquals(allowed(answers), []);
  });

  Deno.test(`${isolation}: of an object, what it leaves out is denied, and what it names is allowed`, async () => {
    const sandboxes = KINDS.map((kind) => ({
      isolation,
      permissions: { [kind]: true },
    }));
    const answers = await tryIn(
      "kinds",
      { isolation, permissions: {} },
      ...sandboxes,
    );
    assertEquals(answers.map(allowed), [[], ...KINDS.map((kind) => [kind])]);
  });

  Deno.test(`${isolation}: of a list, what it names is allowed and no more`, async () => {
    const [path, home] = await tryIn(
      "kinds",
      { isolation, permissions: { env: ["PATH"] } },
      { isolation, permissions: { env: ["HOME"] } },
    );
    assertEquals([allowed(path), allowed(home)], [["env"], []]);
  });

  Deno.test(`${isolation}: no job gets out of the sandbox`, async () => {
    const permissions = "none";
    // Else a worker with permissions of its own ends the process.
    const sandbox = isolation === "process"
      ? { isolation, permissions, execArgv: [FLAG] } as const
      : { permissions } as const;
    const [answers] = await tryIn("escalations", sandbox);
    for (const [attempt, answer] of Object.entries(answers)) {
      assertMatch(answer, DENIED, `A job ${attempt}: ${answer}`);
    }
  });
}

Deno.test("more than the program has is refused in a thread, and ends", async () => {
  const { code, stdout } = await runIn(
    { permissions: { net: true } },
    "--no-prompt",
    "--allow-read",
    FLAG,
  );
  assertEquals(code, 0);
  assertStringIncludes(stdout, "WorkerStartError");
  assertStringIncludes(stdout, "cause NotCapable");
});

Deno.test("more than the program has is refused in a process, and ends", async () => {
  const { code, stdout } = await runIn(
    { isolation: "process", permissions: { net: ["127.0.0.1"] } },
    "--no-prompt",
    "--allow-read",
    `--allow-run=${Deno.execPath()}`,
  );
  assertEquals(code, 0);
  assertStringIncludes(stdout, "WorkerStartError");
  assertStringIncludes(
    stdout,
    'Permission `net` cannot be given: the program itself has not got "127.0.0.1"',
  );
});

Deno.test("a process without a memory limit holds a sandbox without a flag", async () => {
  const options = { isolation: "process", permissions: "none" } as const;
  for (const more of [{}, { memoryLimit: 64 }, { hardKill: true }]) {
    assertEquals(await runIn({ ...options, ...more }, "-A"), {
      code: 0,
      stdout: "ran\n",
    });
  }
});

Deno.test("without the flag Deno ends the program, as the option says", async () => {
  assertEquals(await runIn({ permissions: "none" }, "-A"), {
    code: 70,
    stdout: "",
  });
});

Deno.test("to inherit asks for no flag", async () => {
  assertEquals(await runIn({ permissions: "inherit" }, "-A"), {
    code: 0,
    stdout: "ran\n",
  });
});
