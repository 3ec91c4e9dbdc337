// Renders Markdown as HTML on all cores. The job module is an npm package, marked:
// each function that it exports is a job, checked by TypeScript.
//
//   deno run --allow-read=. examples/npm_module.ts README.md ARCHITECTURE.md
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "marked";

await using pool = new ThreadPool<typeof jobs>({
  module: import.meta.resolve("marked"), // or "npm:marked", without a deno.json
});

/** Yields the contents of the files, read when the workers need them. */
async function* texts(): AsyncGenerator<string> {
  for (const file of Deno.args) yield await Deno.readTextFile(file);
}

for await (const html of pool.map("parse", texts())) console.log(html);
