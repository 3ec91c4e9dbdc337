// Tests the example whose jobs are an npm package, by the command in its header.
import { assertEquals, assertMatch } from "@std/assert";
import { Example, ROOT, runExample, withFolder } from "./example.ts";

/** Makes files in the project's folder, which the example has permission to read. */
async function withFiles(
  files: Record<string, string>,
  test: (paths: string[]) => Promise<void>,
) {
  await withFolder(async (folder) => {
    const paths = Object.keys(files).map((name) => `${folder}/${name}`);
    for (const path of paths) {
      await Deno.writeTextFile(path, files[path.slice(folder.length + 1)]);
    }
    await test(paths);
  }, `${ROOT}/examples`);
}

Deno.test("npm_module.ts renders files as HTML, in order", async () => {
  const files = {
    "long.md": "# Hello *world*\n".repeat(5_000),
    "short.md": "[a](b) & `<c>`",
    "empty.md": "",
  };
  await withFiles(files, async (paths) => {
    const lines = await runExample("npm_module.ts", { args: paths });
    const [last, ...others] = lines.filter((line) => line !== "").reverse();
    assertEquals(last, '<p><a href="b">a</a> &amp; <code>&lt;c&gt;</code></p>');
    assertEquals(others, Array(5_000).fill("<h1>Hello <em>world</em></h1>"));
  });
});

Deno.test("npm_module.ts names a file that it cannot read", async () => {
  await using example = await Example.start("npm_module.ts", {
    args: ["no such.md"],
  });
  assertEquals(await example.code(), 1);
  assertMatch(example.output, /NotFound: .*no such\.md/);
});

Deno.test("TypeScript checks the names and arguments of jobs of an npm package", async () => {
  const source = await Deno.readTextFile(`${ROOT}/examples/npm_module.ts`);
  const files = {
    "right.ts": source,
    "name.ts": source.replace('"parse"', '"pars"'),
    "argument.ts": source.replace("texts()", "[1]"),
  };
  await withFiles(files, async (paths) => {
    const codes = paths.map(async (path) => {
      const args = ["check", "--quiet", path];
      const check = new Deno.Command(Deno.execPath(), { args, cwd: ROOT });
      return (await check.output()).code;
    });
    assertEquals(await Promise.all(codes), [0, 1, 1]);
  });
});
