// Tests of the migration guides in docs/: each program runs as it is written there,
// and prints what the guide says.
import { fileURLToPath } from "node:url";
import { assert, assertEquals } from "@std/assert";

const ROOT = new URL("../", import.meta.url);
const GUIDES = ["piscina", "workerpool", "poolifier", "worker"];

/** Returns the code blocks of a guide, with their languages. */
function blocksOf(guide: string): { language: string; text: string }[] {
  const blocks = guide.matchAll(/^```(\w+).*\n([^]*?)^```$/gm);
  return Array.from(blocks, ([, language, text]) => ({ language, text }));
}

for (const name of GUIDES) {
  Deno.test(`docs/from_${name}.md has a program that prints what the guide says`, async () => {
    const guide = await Deno.readTextFile(
      new URL(`docs/from_${name}.md`, ROOT),
    );
    const blocks = blocksOf(guide);
    const folder = await Deno.makeTempDir();
    try {
      for (const { text } of blocks) {
        const file = /^\/\/ (\w+\.ts)\n/.exec(text)?.[1];
        if (file) await Deno.writeTextFile(`${folder}/${file}`, text);
      }
      const config = fileURLToPath(new URL("deno.json", ROOT));
      const { success, stdout } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-q", "--allow-read", "-c", config, "main.ts"],
        cwd: folder,
        stderr: "inherit",
      }).output();
      assert(success, "Expected the program to succeed");
      const said = blocks.find(({ language }) => language === "text")?.text;
      assertEquals(new TextDecoder().decode(stdout), said);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
