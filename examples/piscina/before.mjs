// A program that uses piscina. after.ts is the same with this pool.
//
//   deno run --allow-all examples/piscina/before.mjs
import { Piscina } from "piscina";

const pool = new Piscina({
  filename: new URL("./before_jobs.mjs", import.meta.url).href,
  minThreads: 1,
  maxThreads: 2,
  maxQueue: 100,
});

// A named handler, with one argument.
const words = ["spindle", "thread", "pool"];
const hashes = await Promise.all(
  words.map((word) => pool.run({ word }, { name: "hash" })),
);
console.log(hashes.join(" "));

// Bytes that move there and back.
const pixels = new Uint8Array([0, 100, 255]);
const inverted = await pool.run(pixels, {
  name: "invert",
  transferList: [pixels.buffer],
});
console.log(inverted.join(" "), pixels.length);

// A loop that is stopped.
const signal = AbortSignal.timeout(300);
await pool.run(undefined, { name: "loop", signal })
  .catch(({ cause }) => console.log(cause.name));

console.log(pool.queueSize, "waiting");
await pool.close();
