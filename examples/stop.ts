// Stops jobs that never end by themselves, while other jobs continue.
//
//   deno run --allow-read=. examples/stop.ts
import { JobTimeoutError, ThreadPool } from "@spindle/thread-pool";
import { currentJob } from "@spindle/thread-pool/worker";

await using pool = new ThreadPool(2);
const countTo = (n: number) => {
  let sum = 0;
  for (let i = 0; i < n; i++) sum++;
  return sum;
};
const other = pool.execute(countTo, [100_000_000]);

// A timeout counts from the start of the job. It ends even an endless loop.
const loop = () => {
  while (true);
};
try {
  await pool.execute(loop, [], { timeout: 300 });
} catch (error) {
  if (!(error instanceof JobTimeoutError)) throw error;
  console.log(error.message);
}

// A signal rejects the promise at once with its own reason. A handler has 50 ms
// (`abortGrace`) to end. This one computes, so its thread cannot be stopped: it is left
// alone (`stats().lost`), and another worker starts if one is needed.
const stop = new AbortController();
setTimeout(() => stop.abort("the client has left"), 300);
await pool.execute(loop, [], { signal: stop.signal }).catch(console.log);

// A handler that checks its signal can end by itself, and its worker continues.
const polite = async () => {
  const { signal } = currentJob()!;
  while (!signal.aborted) await new Promise((done) => setTimeout(done, 10));
};
await pool.execute(polite, [], { signal: AbortSignal.timeout(300) })
  .catch(({ name }) => console.log(name));

console.log(await other, "counted meanwhile");

// Deno cannot stop a thread that loops after an `await`: the pool leaves it alone and
// counts it in `stats().lost`. `hardKill` ends even such a thread.
await using killable = new ThreadPool({ size: 1, hardKill: true });
const loopLater = async () => {
  await Promise.resolve();
  while (true);
};
await killable.execute(loopLater, [], { timeout: 300 })
  .catch(({ message }) => console.log(message));
console.log(await killable.execute(() => "a new worker"));
