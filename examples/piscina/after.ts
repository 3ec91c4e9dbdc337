// The program of before.mjs, moved from piscina to this pool.
//
//   deno run --allow-read=. examples/piscina/after.ts
import { ThreadPool, transfer } from "@spindle/thread-pool";
import type * as jobs from "./after_jobs.ts";

const pool = new ThreadPool<typeof jobs>({
  module: new URL("./after_jobs.ts", import.meta.url),
  size: { min: 1, max: 2 },
  queue: { capacity: 100, whenFull: "reject" },
});

// Handlers take as many arguments as they like, and TypeScript checks them.
const words = ["spindle", "thread", "pool"];
const hashes = await Promise.all(
  words.map((word) => pool.execute("hash", [word])),
);
console.log(hashes.join(" "));

// Bytes that move there and back.
const pixels = new Uint8Array([0, 100, 255]);
const inverted = await pool.execute("invert", [transfer(pixels)]);
console.log(inverted.join(" "), pixels.length);

// A loop that is stopped: the reason itself arrives.
const signal = AbortSignal.timeout(300);
await pool.execute("loop", [], { signal })
  .catch(({ name }) => console.log(name));

console.log(pool.stats().queued, "waiting");
await pool.close();
