// Adds up a file of JSON lines of any size in constant memory. Workers map blocks
// of 256 KiB to sums, and this thread adds the sums. For comparison, the program
// first does all the work in this thread.
//
//   deno run --allow-read examples/ndjson.ts sales.ndjson
//
// To create a file to try it with:
//   seq 9999999 | sed -E 's/(.)(.*)/{"shop":"\1","cents":\1\2}/' > sales.ndjson
import { ThreadPool, transfer } from "@spindle/thread-pool";
import { add, addUp, type Sums } from "./ndjson_jobs.ts";
import type * as jobs from "./ndjson_jobs.ts";

const [path = "sales.ndjson"] = Deno.args;
const NEWLINE = 10;

/** Yields blocks of whole lines. A longer line gets its own block. */
async function* blocks(): AsyncGenerator<Uint8Array> {
  using file = await Deno.open(path);
  let rest = new Uint8Array();
  for (;;) {
    const block = new Uint8Array(rest.length + Math.max(2 ** 18, rest.length));
    block.set(rest);
    const count = await file.read(block.subarray(rest.length));
    if (count === null) break;
    const read = block.subarray(0, rest.length + count);
    const end = read.lastIndexOf(NEWLINE) + 1;
    rest = read.slice(end);
    if (end > 0) yield transfer(read.subarray(0, end));
  }
  if (rest.length > 0) yield transfer(rest);
}

async function* alone(): AsyncGenerator<Sums> {
  for await (const block of blocks()) yield addUp(block);
}

/** Adds the sums of all blocks, and prints how fast they came. */
async function total(name: string, results: AsyncIterable<Sums>) {
  const sums: Sums = new Map();
  const start = performance.now();
  let lines = 0;
  let memory = 0;
  for await (const result of results) {
    for (const [shop, { count, cents }] of result) {
      add(sums, shop, count, cents);
      lines += count;
    }
    memory = Math.max(memory, Deno.memoryUsage().rss / 2 ** 20);
  }
  const speed = lines / (performance.now() - start) * 1_000;
  console.log(`${name}: ${speed | 0} lines/s, at most ${memory | 0} MiB`);
  return sums;
}

await total("alone", alone());
await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./ndjson_jobs.ts", import.meta.url),
});
const sums = await total("pool", pool.map("addUp", blocks()));
console.log(JSON.stringify(Object.fromEntries(sums), null, 2));
