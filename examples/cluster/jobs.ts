// The jobs of examples/cluster: plain functions that know nothing of a queue.
import { setImmediate } from "node:timers/promises";
import { currentJob } from "@spindle/thread-pool/worker";

const SEGMENT = 1 << 18;

/** Counts the primes up to a number, and reports which part of them it has seen. */
export async function countPrimes({ to }: { to: number }): Promise<number> {
  const job = currentJob();
  const small = primesTo(Math.floor(Math.sqrt(to)));
  let count = 0;
  for (let start = 2; start <= to; start += SEGMENT) {
    const end = Math.min(start + SEGMENT, to + 1);
    count += countIn(start, end, small);
    job?.report((end - 1) / to);
    await setImmediate(); // lets an abort in, which then ends the job at once
    job?.signal.throwIfAborted();
  }
  return count;
}

function primesTo(to: number): number[] {
  const primes: number[] = [];
  for (let n = 2; n <= to; n++) {
    if (primes.every((prime) => prime * prime > n || n % prime !== 0)) {
      primes.push(n);
    }
  }
  return primes;
}

/** Crosses out the multiples of the small primes, and counts what is left. */
function countIn(start: number, end: number, small: number[]): number {
  const isComposite = new Uint8Array(end - start);
  for (const prime of small) {
    const first = Math.max(prime * prime, Math.ceil(start / prime) * prime);
    for (let n = first; n < end; n += prime) isComposite[n - start] = 1;
  }
  return isComposite.reduce((count, composite) => count + 1 - composite, 0);
}
