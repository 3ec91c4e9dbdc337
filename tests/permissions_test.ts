// The sandbox: what jobs may do, and that they get no more by any way that they try.
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { ThreadPoolOptions } from "@spindle/thread-pool";
import { runScriptWith } from "./script.ts";

/** Given to a process of its own, since without it Deno knows no sandbox. */
const FLAG = "--unstable-worker-options";

const KINDS = ["read", "write", "net", "env", "run", "ffi", "import", "sys"];

const DENIED = /^\w+: (Requires .*access|Can't escalate)/;

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

Deno.test("with none, every kind is denied, and a module that may not be read loads all the same", async () => {
  const [answers] = await tryIn("kinds", { permissions: "none" });
  assertEquals(allowed(answers), []);
});

Deno.test("of an object, what it leaves out is denied, and what it names is allowed", async () => {
  const sandboxes = KINDS.map((kind) => ({ permissions: { [kind]: true } }));
  const answers = await tryIn("kinds", { permissions: {} }, ...sandboxes);
  assertEquals(answers.map(allowed), [[], ...KINDS.map((kind) => [kind])]);
});

Deno.test("of a list, what it names is allowed and no more", async () => {
  const [path, home] = await tryIn(
    "kinds",
    { permissions: { env: ["PATH"] } },
    { permissions: { env: ["HOME"] } },
  );
  assertEquals([allowed(path), allowed(home)], [["env"], []]);
});

Deno.test("with hardKill or a memoryLimit the sandbox holds as well", async () => {
  const answers = await tryIn(
    "kinds",
    { permissions: "none", hardKill: true },
    { permissions: { read: true, env: true }, hardKill: true },
    { permissions: "none", memoryLimit: 64 },
  );
  assertEquals(answers.map(allowed), [[], ["read", "env"], []]);
});

for (const hardKill of [false, true]) {
  Deno.test(`no job gets out of the sandbox (hardKill ${hardKill})`, async () => {
    const sandbox = { permissions: "none", hardKill } as const;
    const [answers] = await tryIn("escalations", sandbox);
    for (const [attempt, answer] of Object.entries(answers)) {
      assertMatch(answer, DENIED, `A job ${attempt}: ${answer}`);
    }
  });
}

for (const hardKill of [false, true]) {
  Deno.test(`more than the program has is refused, and ends (hardKill ${hardKill})`, async () => {
    const { code, stdout } = await runIn(
      { permissions: { net: true }, hardKill },
      "--no-prompt",
      "--allow-read",
      FLAG,
    );
    assertEquals(code, 0);
    assertStringIncludes(stdout, "WorkerStartError");
    assertStringIncludes(stdout, "cause NotCapable");
  });
}

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
