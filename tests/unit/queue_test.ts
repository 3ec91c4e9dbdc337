import { assertEquals } from "@std/assert";
import type { Job } from "../../src/job/job.ts";
import { JobQueue } from "../../src/job/queue.ts";
import { ids, makeJob } from "./jobs.ts";

function all(queue: JobQueue): Job[] {
  const jobs: Job[] = [];
  for (let job = queue.shift(); job; job = queue.shift()) jobs.push(job);
  return jobs;
}

function filled(count: number): { queue: JobQueue; jobs: Job[] } {
  const queue = new JobQueue();
  const jobs = Array.from({ length: count }, (_, i) => makeJob(i));
  for (const job of jobs) queue.push(job);
  return { queue, jobs };
}

Deno.test("JobQueue.shift() returns jobs in the order of push()", () => {
  const { queue } = filled(3);
  assertEquals(queue.length, 3);
  assertEquals(ids(all(queue)), [0, 1, 2]);
  assertEquals([queue.length, queue.peek(), queue.shift()], [
    0,
    undefined,
    undefined,
  ]);
});

Deno.test("JobQueue.remove() removes a job from the front, the middle and the end", () => {
  for (const [i, left] of [[0, [1, 2]], [1, [0, 2]], [2, [0, 1]]] as const) {
    const { queue, jobs } = filled(3);
    assertEquals(queue.remove(jobs[i]), true);
    assertEquals(queue.remove(jobs[i]), false);
    assertEquals(queue.length, 2);
    queue.push(jobs[i]);
    assertEquals(ids(all(queue)), [...left, i]);
  }
});

Deno.test("JobQueue.remove() of a job that is not queued changes nothing", () => {
  const { queue } = filled(2);
  assertEquals(queue.remove(makeJob(9)), false);
  assertEquals(ids(all(queue)), [0, 1]);
});

Deno.test("JobQueue.putBack() puts jobs before all other jobs, in order", () => {
  const { queue } = filled(2);
  queue.putBack([makeJob(7), makeJob(8)]);
  queue.putBack([]);
  assertEquals(ids(all(queue)), [7, 8, 0, 1]);
});
