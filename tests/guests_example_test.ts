// The example that runs foreign scripts, as its header says to run it.
import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** The flags between `deno run` and the file, from the example's first lines. */
async function permissions(): Promise<string[]> {
  const text = await Deno.readTextFile(`${ROOT}/examples/guests.ts`);
  const [, flags] = /deno run (.+) examples\/guests\.ts/.exec(text)!;
  return flags.replace("$(which deno)", Deno.execPath()).split(" ");
}

async function runGuests(...args: string[]): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", ...await permissions(), "examples/guests.ts"],
      ...args,
    ],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout).trim().split("\n");
}

Deno.test("the example runs guests of all kinds with the permissions that it names", async () => {
  const [computes, loops, reads, ...others] = await runGuests();
  assertEquals(computes, 'computes.js gave "354224848179261915075"');
  assertEquals(loops, "loops.js took too long");
  assertMatch(reads, /^reads\.js failed: NotCapable: Requires read access/);
  assertEquals(others, []);
});

/** Guests that are worse, by what comes of them. */
const WORSE: Record<string, RegExp> = {
  "export default () => Deno.exit(0)": /^guest\.js ended its process$/,
  'export { default } from "file:///etc/hostname"': /^guest\.js failed: /,
  "export default () => { throw 1 }": /^guest\.js failed: 1$/,
  "export default": /^guest\.js failed: .*SyntaxError/,
  "export default () => 'x'.repeat(2e8).toUpperCase()":
    /^guest\.js took too much memory$/,
};

for (const [source, outcome] of Object.entries(WORSE)) {
  Deno.test(`the example goes on after ${source}`, async () => {
    const folder = await Deno.makeTempDir({ dir: ROOT });
    try {
      await Deno.writeTextFile(`${folder}/guest.js`, source);
      const [line] = await runGuests(folder);
      assertMatch(line, outcome);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
