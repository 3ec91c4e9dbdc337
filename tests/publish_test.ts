// What `deno publish` would ship: the package and its papers, and nothing else.
import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { dryRunPublish, ROOT } from "./jsr_published_files.ts";

const PAPERS = ["ARCHITECTURE.md", "CHANGELOG.md", "LICENSE", "README.md"];

/** The modules in a folder of the package and those below it. */
async function modulesIn(folder: string): Promise<string[]> {
  const modules: string[] = [];
  for await (
    const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))
  ) {
    if (isDirectory) modules.push(...await modulesIn(`${folder}${name}/`));
    else if (name.endsWith(".ts")) modules.push(folder + name);
  }
  return modules;
}

Deno.test("publish: ships the modules, deno.json and the papers, and nothing else", async () => {
  const { success, output, files } = await dryRunPublish();
  assert(success, output);
  const modules = await modulesIn("src/");
  assertEquals(files, ["deno.json", "mod.ts", ...PAPERS, ...modules].sort());
});

Deno.test("publish: no file names a path of the machine that it was made on", async () => {
  const { files } = await dryRunPublish("--no-check");
  const checkout = RegExp.escape(fileURLToPath(ROOT));
  const path = new RegExp(
    String
      .raw`file:///|\b[A-Z]:\\|(?<![\w.*)}\]/-])(?:/(?:home|root|tmp|Users)/|${checkout})`,
  );
  for (const file of files) {
    const text = await Deno.readTextFile(new URL(file, ROOT));
    assertEquals(path.exec(text)?.[0], undefined, `in ${file}`);
  }
});

/** The modules that the exports reach, with the specifiers that each imports. */
async function moduleGraph(): Promise<Map<string, string[]>> {
  const graph = new Map<string, string[]>();
  for (const entry of ["mod.ts", "src/worker/mod.ts"]) {
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["info", "--json", entry],
      cwd: ROOT,
    }).output();
    const { modules } = JSON.parse(new TextDecoder().decode(stdout));
    for (const { specifier, dependencies = [] } of modules) {
      if (!specifier.startsWith(ROOT.href)) continue;
      graph.set(
        decodeURI(specifier.slice(ROOT.href.length)),
        dependencies.map((dependency: { specifier: string }) =>
          dependency.specifier
        ),
      );
    }
  }
  return graph;
}

Deno.test("publish: imports are relative or built into Deno, so that JSR rewrites none", async () => {
  for (const [module, specifiers] of await moduleGraph()) {
    const others = specifiers.filter((specifier) =>
      !/^(\.|node:)/.test(specifier)
    );
    assertEquals(others, [], `in ${module}`);
  }
});

Deno.test("publish: every module that ships is in the graph of an export, and so checked and cached", async () => {
  const { files } = await dryRunPublish("--no-check");
  const modules = files.filter((file) => file.endsWith(".ts"));
  assertEquals([...(await moduleGraph()).keys()].sort(), modules);
});
