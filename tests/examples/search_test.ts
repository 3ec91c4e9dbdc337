// Tests the example that streams search results, by the command in its header.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { Example, runExample, withFolder } from "./example.ts";

Deno.test("search.ts finds all matching lines of text files, and only these", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/deep/er`, { recursive: true });
    await Deno.mkdir(`${folder}/.hidden`);
    await Deno.writeTextFile(`${folder}/a.txt`, "one\r\n  two needle\nneedle");
    await Deno.writeTextFile(`${folder}/deep/er/ü.txt`, "a needle, no Needle");
    await Deno.writeTextFile(`${folder}/.hidden/b.txt`, "needle");
    await Deno.writeTextFile(`${folder}/empty`, "");
    const binary = new TextEncoder().encode("needle \u00ff").slice(0, -1);
    await Deno.writeFile(`${folder}/binary`, binary);
    const lines = await runExample("search.ts", { args: ["needle", folder] });
    assertEquals(
      lines.toSorted(),
      [
        `${folder}/a.txt:2: two needle`,
        `${folder}/a.txt:3: needle`,
        `${folder}/deep/er/ü.txt:1: a needle, no Needle`,
        "Searched 4 files.",
      ].toSorted(),
    );
  });
});

Deno.test("search.ts stops once it has found enough lines", async () => {
  await withFolder(async (folder) => {
    // More lines than a generator can be ahead.
    const text = "needle\n".repeat(1_000);
    for (let i = 0; i < 20; i++) {
      await Deno.writeTextFile(`${folder}/${i}`, text);
    }
    const args = ["needle", folder, "2"];
    const lines = await runExample("search.ts", { args });
    assertEquals(lines.filter((line) => line.endsWith(": needle")).length, 2);
    const files = /Searched (\d+) files/.exec(lines.join("\n"))?.[1];
    assert(Number(files) < 20, `Expected less than 20 files, got ${files}`);
  });
});

Deno.test("search.ts prints an error for wrong arguments", async () => {
  const wrong: [args: string[], message: RegExp][] = [
    [[], /Expected a text to search for/],
    [["a", "no such folder"], /NotFound: .*no such folder/],
  ];
  for (const [args, message] of wrong) {
    await using example = await Example.start("search.ts", { args });
    assertEquals(await example.code(), 1);
    assertMatch(example.output, message);
  }
});
