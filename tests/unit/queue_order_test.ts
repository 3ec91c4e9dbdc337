// Tests the queue with priorities, and Keys.
import { assert, assertEquals } from "@std/assert";
import { Job } from "../../src/job/job.ts";
import { type KeyName, Keys } from "../../src/job/keys.ts";
import { AGING, JobQueue } from "../../src/job/queue.ts";
import { ids, makeJob } from "./jobs.ts";

function makeQueue() {
  const queue = new JobQueue();
  queue.isOrdered = queue.isRanked = true;
  let freed = 0;
  const keys = new Keys(queue, () => freed++);
  let count = 0;
  const add = (
    { priority, key, submitted = 0 }: {
      priority?: number;
      key?: KeyName;
      submitted?: number;
    } = {},
  ) => {
    const { fn } = makeJob(0);
    const extras = { priority, key };
    const job = new Job(count++, fn, [], submitted, extras, () => {});
    if (key !== undefined) keys.enter(key, job);
    queue.push(job);
    return job;
  };
  return { queue, add, freed: () => freed };
}

/** Settles a job, and ends its turn. */
function settle(job: Job): void {
  job.settled = true;
  job.worker = undefined;
  job.extras?.turn?.endIfOver();
}

/** Removes the jobs that can start now, and returns them in order. */
function take(queue: JobQueue): Job[] {
  const jobs: Job[] = [];
  for (let job = queue.peek(); job; job = queue.peek()) {
    queue.remove(job);
    jobs.push(job);
  }
  return jobs;
}

Deno.test("JobQueue.peek() returns higher priorities first, and within a priority the first job", () => {
  const { queue, add } = makeQueue();
  for (const priority of [0, 2, -1, 2, 0, 1]) add({ priority });
  assertEquals(ids(take(queue)), [1, 3, 5, 0, 4, 2]);
  assertEquals([queue.length, queue.peek()], [0, undefined]);
});

Deno.test("JobQueue.peek() counts a level of priority as 10 s of waiting", () => {
  const { queue, add } = makeQueue();
  add({ submitted: 0 });
  add({ submitted: 1 });
  add({ submitted: 2 });
  add({ submitted: AGING + 1, priority: 1 });
  assertEquals(AGING, 10_000);
  assertEquals(ids(take(queue)), [0, 1, 3, 2]);
});

Deno.test("JobQueue.shift() starves no job, however many jobs of a higher priority come", () => {
  const { queue, add } = makeQueue();
  const low = add({ priority: -1 });
  for (let at = 0, started = 0;; at += 100, started++) {
    add({ priority: 1, submitted: at });
    const job = queue.shift()!;
    if (job === low) return assertEquals(at >= 2 * AGING, true);
    assertEquals(started <= 2 * AGING / 100, true);
  }
});

Deno.test("JobQueue.pick() skips a priority whose jobs cannot start", () => {
  const { queue, add } = makeQueue();
  const high = add({ priority: 1 });
  const plain = add();
  assertEquals(queue.pick((job) => job !== high), plain);
  assertEquals(queue.pick(() => false), undefined);
  assertEquals(queue.length, 2);
});

Deno.test("JobQueue.putBack() puts jobs at the front of their priorities", () => {
  const { queue, add } = makeQueue();
  for (const priority of [0, 1, 0, 1]) add({ priority });
  const jobs = take(queue);
  queue.putBack(jobs.slice(1));
  const last = add({ priority: 1 });
  queue.putBack([jobs[0]]);
  assertEquals(ids(take(queue)), [1, 3, last.id, 0, 2]);
});

Deno.test("JobQueue.remove() removes a job of any priority, once", () => {
  const { queue, add } = makeQueue();
  const jobs = [0, 1, 1, 0].map((priority) => add({ priority }));
  assertEquals([queue.remove(jobs[2]), queue.remove(jobs[2])], [true, false]);
  assertEquals([queue.remove(jobs[3]), queue.remove(jobs[3])], [true, false]);
  assertEquals(ids(take(queue)), [1, 0]);
});

Deno.test("JobQueue.oldest is the oldest job of the lowest priority", () => {
  const { queue, add } = makeQueue();
  for (const priority of [1, 0, -1, -1]) add({ priority });
  const order: number[] = [];
  for (let job = queue.oldest; job; job = queue.oldest) {
    order.push(job.id);
    queue.remove(job);
  }
  assertEquals(order, [2, 3, 1, 0]);
});

Deno.test("JobQueue.expectsAbove() is true for a second after a job of a higher priority came", () => {
  const { queue, add } = makeQueue();
  assertEquals(queue.expectsAbove(0, 0), false);
  add({ priority: 2, submitted: 100 });
  add({ priority: 1, submitted: 600 });
  const at = (now: number) => [0, 1, 2].map((p) => queue.expectsAbove(p, now));
  assertEquals(at(1_100), [true, true, false]);
  assertEquals(at(1_101), [false, false, false]);
  add({ priority: 1, submitted: 1_200 });
  assertEquals(at(2_200), [true, false, false]);
});

Deno.test("Keys: jobs of a key take turns in the order of their submission, at any priority", () => {
  const { queue, add } = makeQueue();
  const a = [0, 5, 9].map((priority) => add({ priority, key: "a" }));
  const b = add({ key: 1 });
  const other = add({ key: "1" });
  assertEquals(take(queue), [a[0], b, other]);
  assertEquals([queue.length, queue.parked], [0, 2]);
  settle(a[0]);
  assertEquals([queue.length, queue.parked], [1, 1]);
  assertEquals(take(queue), [a[1]]);
  settle(a[1]);
  assertEquals(take(queue), [a[2]]);
});

Deno.test("JobQueue.pick() finds a job that can start behind jobs of the same priority that cannot", () => {
  const { queue, add } = makeQueue();
  const high = [1, 1, 1].map((priority) => add({ priority }));
  add({ priority: 0 });
  assertEquals(queue.pick((job) => job === high[2]), high[2]);
});

Deno.test("Keys: a turn ends once its job has settled and no worker has the job", () => {
  const { queue, add, freed } = makeQueue();
  const [first, second] = [add({ key: "a" }), add({ key: "a" })];
  take(queue);
  first.worker = { id: 1 };
  first.settled = true;
  first.extras!.turn!.endIfOver();
  assertEquals([take(queue), freed()], [[], 0]);
  first.worker = undefined;
  first.extras!.turn!.endIfOver();
  first.extras!.turn!.endIfOver();
  assertEquals([take(queue), freed()], [[second], 1]);
});

Deno.test("Keys: the last 1 000 to 2 000 keys without jobs are remembered", () => {
  const { add } = makeQueue();
  const use = (key: KeyName) => {
    const job = add({ key });
    settle(job);
    return job.extras!.turn!.key;
  };
  const keys = Array.from({ length: 5_000 }, (_, i) => use(i));
  assert(keys.slice(-1_000).every((key) => use(key.name) === key));
  assert(use(2_999) !== keys[2_999]);
});

Deno.test("Keys: if a waiting job is removed, the other jobs of its key keep their order", () => {
  const { queue, add } = makeQueue();
  const jobs = Array.from({ length: 4 }, () => add({ key: "a" }));
  take(queue);
  assertEquals(queue.remove(jobs[1]), true);
  settle(jobs[1]);
  assertEquals([take(queue), queue.parked], [[], 2]);
  settle(jobs[0]);
  assertEquals(take(queue), [jobs[2]]);
  settle(jobs[2]);
  assertEquals(take(queue), [jobs[3]]);
});

Deno.test("JobQueue.shift() and JobQueue.oldest also return jobs that wait for their key", () => {
  const { queue, add } = makeQueue();
  const jobs = [3, 0, 0].map((priority) => add({ priority, key: "a" }));
  take(queue);
  assertEquals(queue.oldest, jobs[1]);
  assertEquals([queue.shift(), queue.shift()], [jobs[1], jobs[2]]);
  assertEquals([queue.shift(), queue.parked], [undefined, 0]);
});
