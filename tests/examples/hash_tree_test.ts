// Tests the example that hashes a tree of files, by the command in its header.
import { assert, assertEquals, assertMatch } from "@std/assert";
import { sha256 } from "../../examples/hash_tree_jobs.ts";
import { Example, ROOT, runExample, withFolder } from "./example.ts";

const linux = Deno.build.os === "linux";

const hashTree = (...args: string[]) => runExample("hash_tree.ts", { args });

/** Returns the hash, which must be the same in all three rounds. */
function hashOf(lines: string[]): string {
  assertEquals(lines.length, 3, lines.join("\n"));
  const hashes = lines.map((line, i) => {
    const match = /^(\w+) in \d+\.\d\d s on (\d+)$/.exec(line);
    assertEquals(match?.[2], i === 1 ? "1" : "3", line);
    return match![1];
  });
  assertEquals(new Set(hashes).size, 1);
  return hashes[0];
}

/** Returns the hash of the shell command in the example's header. */
async function hashByShell(folder: string): Promise<string> {
  const source = await Deno.readTextFile(`${ROOT}/examples/hash_tree.ts`);
  const [, command] = /^\/\/ {3}(find .+)$/m.exec(source)!;
  const shell = new Deno.Command("sh", { args: ["-c", command], cwd: folder });
  const { stdout } = await shell.output();
  return new TextDecoder().decode(stdout).split(" ")[0];
}

Deno.test("hash_tree.ts prints the same hash as the shell, in every run", async () => {
  await withFolder(async (folder) => {
    await Deno.mkdir(`${folder}/b/empty`, { recursive: true });
    await Deno.writeTextFile(`${folder}/b/abc`, "abc");
    await Deno.writeTextFile(`${folder}/B and é`, "");
    await Deno.writeTextFile(`${folder}/.hidden`, "line\n");
    await Deno.writeFile(`${folder}/large`, new Uint8Array(1_000_003));
    for (let i = 0; i < 100; i++) {
      await Deno.writeTextFile(`${folder}/b/${i}`, `${i}`);
    }
    const hash = hashOf(await hashTree(folder, "3"));
    assertEquals(hashOf(await hashTree(`${folder}/`, "3")), hash);
    if (linux) assertEquals(await hashByShell(folder), hash);
    // Links are ignored: a dangling link, a link to a file, and a loop.
    if (Deno.build.os === "windows") return;
    await Deno.symlink("nowhere", `${folder}/dangling`);
    await Deno.symlink("large", `${folder}/b/link`);
    await Deno.symlink("..", `${folder}/b/loop`);
    assertEquals(hashOf(await hashTree(folder, "3")), hash);
  });
});

Deno.test("hash_tree.ts prints the hash of empty input for an empty tree", async () => {
  await withFolder(async (folder) => {
    // sha256sum < /dev/null
    const hash =
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assertEquals(hashOf(await hashTree(folder, "3")), hash);
  });
});

Deno.test("the job of hash_tree.ts hashes files longer than its buffer", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/file`;
    for (const length of [0, 1, 256 * 1024, 256 * 1024 + 1, 3_000_000]) {
      const bytes = new Uint8Array(length).map((_, i) => i % 251);
      await Deno.writeFile(path, bytes);
      const hash = await crypto.subtle.digest("SHA-256", bytes);
      assertEquals(sha256(path), new Uint8Array(hash).toHex());
    }
  });
});

Deno.test({
  name: "hash_tree.ts names a file that it cannot read, and hashes the others",
  ignore: !linux,
  fn: () =>
    withFolder(async (folder) => {
      await Deno.writeTextFile(`${folder}/abc`, "abc");
      const hash = hashOf(await hashTree(folder, "3"));
      // Not even root can open a path that is too long.
      let deep = `${folder}/deep`;
      while (deep.length < 3_900) deep += `/${"x".repeat(100)}`;
      await Deno.mkdir(deep, { recursive: true });
      const name = "y".repeat(200);
      const touch = new Deno.Command("touch", { args: [name], cwd: deep });
      assert((await touch.output()).success);

      await using example = await Example.start("hash_tree.ts", {
        args: [folder, "3"],
      });
      assertEquals(await example.code(), 1);
      const lines = example.output.trim().split("\n");
      const errors = lines.filter((line) => line.includes(name));
      assertEquals(errors.length, 1);
      assertMatch(errors[0], /File name too long/);
      assertEquals(hashOf(lines.filter((line) => line !== errors[0])), hash);
    }),
});

Deno.test("hash_tree.ts prints an error for wrong arguments", async () => {
  const wrong: [args: string[], message: RegExp][] = [
    [["no such folder"], /NotFound: .*no such folder/],
    [["src", "many"], /Expected `size` to be an integer/],
  ];
  for (const [args, message] of wrong) {
    await using example = await Example.start("hash_tree.ts", { args });
    assertEquals(await example.code(), 1);
    assertMatch(example.output, message);
  }
});
