// Makes many random transfers, of which a test makes few:
// deno run -A tests/random_transfers_run.ts --count 10000 --seed 1 --way bytes
import { parseArgs } from "node:util";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/random_transfers.ts";
import { checkTransfers } from "./random_transfers.ts";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    way: { type: "string", default: "bytes" },
    size: { type: "string", default: "2" },
    concurrency: { type: "string", default: "4" },
  },
});
await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./fixtures/random_transfers.ts", import.meta.url),
  size: Number(values.size),
  concurrency: Number(values.concurrency),
  connections: values.way as "bytes" | "descriptor",
});
const [seed, count] = [Number(values.seed), Number(values.count)];
const start = performance.now();
let last = start;
let done = 0;
// A transfer that hangs is seen by what is not told any more.
const timer = setInterval(() => {
  console.log(`${done} of ${count}`, Deno.inspect(pool.stats().running));
}, 10_000);
await checkTransfers(pool, { seed, count }, () => {
  done++;
  last = performance.now();
});
clearInterval(timer);
const seconds = ((last - start) / 1_000).toFixed(1);
console.log(`${done} transfers by ${values.way}, all right, in ${seconds} s`);
