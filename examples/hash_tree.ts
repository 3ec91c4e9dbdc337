// Hashes a tree of files with a progress bar: on N workers, on one, and on N again.
// The first round also reads from the disk, so compare the other two.
//
//   deno run --allow-read examples/hash_tree.ts [folder] [workers]
//
// The printed hash is the same as the output of this command in the folder:
//   find . -type f -printf '%P\n' | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum
import { createHash } from "node:crypto";
import { SingleBar } from "cli-progress";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./hash_tree_jobs.ts";

const [folder = ".", most = navigator.hardwareConcurrency] = Deno.args;
const module = new URL("./hash_tree_jobs.ts", import.meta.url);
const bar = new SingleBar({ format: "[{bar}] {value}/{total} | ETA {eta} s" });
const stop = new AbortController();
const errors = new Set<string>(); // the other files are hashed all the same

/** Yields all files in a folder. It does not follow links, so it ends. */
async function* filesIn(path: string): AsyncGenerator<string> {
  try {
    for await (const { name, isFile, isDirectory } of Deno.readDir(path)) {
      if (isFile) yield `${path}/${name}`;
      else if (isDirectory) yield* filesIn(`${path}/${name}`);
    }
  } catch (error) {
    errors.add(`${path}: ${error}`);
  }
}

/** Returns the hash of all files. Results come in the order of the files. */
async function hashAll(files: string[], size: number): Promise<string> {
  await using pool = new ThreadPool<typeof jobs>({ size, module });
  const options = { onError: "collect", signal: stop.signal } as const;
  const tree = createHash("sha256");
  bar.start(files.length, 0);
  try {
    let done = 0;
    for await (const result of pool.map("sha256", files, options)) {
      const file = files[done];
      if (result.status === "rejected") errors.add(`${file}: ${result.reason}`);
      else tree.update(`${result.value}  ${file.slice(folder.length + 1)}\n`);
      bar.update(++done);
    }
  } finally {
    bar.stop(); // restores the terminal
  }
  return tree.digest("hex");
}

const files = (await Array.fromAsync(filesIn(folder))).sort();
Deno.addSignalListener("SIGINT", () => stop.abort("Interrupted"));
for (const size of [Number(most), 1, Number(most)]) {
  const start = performance.now();
  const hash = await hashAll(files, size);
  const seconds = ((performance.now() - start) / 1000).toFixed(2);
  console.log(`${hash} in ${seconds} s on ${size}`);
}
for (const error of errors) console.error(error);
if (errors.size > 0) Deno.exitCode = 1;
