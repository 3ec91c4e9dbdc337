// The job of examples/cluster/compare.ts: it computes for so many ms.

export function compute({ ms }: { ms: number }): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** The same, as a file that BullMQ runs in a process of its own. */
export default function (job: { data: { ms: number } }): void {
  compute(job.data);
}
