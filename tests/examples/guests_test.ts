// Tests the example that runs untrusted scripts, by the command in its header.
import { assertEquals, assertMatch } from "@std/assert";
import { ROOT, runExample, withFolder } from "./example.ts";

const runGuests = (...args: string[]) => runExample("guests.ts", { args });

Deno.test("guests.ts runs its guests with the permissions in its header", async () => {
  const [computes, loops, reads, ...others] = await runGuests();
  assertEquals(computes, 'computes.js gave "354224848179261915075"');
  assertEquals(loops, "loops.js took too long");
  assertMatch(reads, /^reads\.js failed: NotCapable: Requires read access/);
  assertEquals(others, []);
});

/** Hostile guests and their outcomes, in the order of their names. */
const WORSE: [source: string, outcome: RegExp][] = [
  ["export default () => Deno.exit(0)", /^0\.js ended its process$/],
  ['export { default } from "file:///etc/hostname"', /^1\.js failed: /],
  ["export default () => { throw 1 }", /^2\.js failed: 1$/],
  ["export default", /^3\.js failed: .*SyntaxError/],
  [
    "export default () => 'x'.repeat(2e8).toUpperCase()",
    /^4\.js took too much memory$/,
  ],
];

Deno.test("guests.ts continues after hostile guests", async () => {
  await withFolder(async (folder) => {
    for (const [i, [source]] of WORSE.entries()) {
      await Deno.writeTextFile(`${folder}/${i}.js`, source);
    }
    const lines = await runGuests(folder);
    for (const [i, [_, outcome]] of WORSE.entries()) {
      const line = lines.find((line) => line.startsWith(`${i}.js`));
      assertMatch(String(line), outcome);
    }
  }, ROOT);
});
