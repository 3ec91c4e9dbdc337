// Searches the files of a folder for a text, and prints each hit at once. After
// enough hits, it leaves the loop, which stops the search.
//
//   deno run --allow-read examples/search.ts text [folder] [most]
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./search_jobs.ts";

const [text, folder = ".", most = "20"] = Deno.args;
if (!text) throw new TypeError("Expected a text to search for");

await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./search_jobs.ts", import.meta.url),
  size: 1,
});

// The generator runs in the worker, only a limited distance ahead of this loop.
let found = 0;
for await (
  const { path, line, content } of pool.stream("search", [text, folder])
) {
  console.log(`${path}:${line}: ${content.trim().slice(0, 100)}`);
  if (++found === Number(most)) break; // the generator's `finally` runs
}
