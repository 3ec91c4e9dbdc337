import { assert, assertEquals } from "@std/assert";
import { JobRing } from "../../src/wire/job_ring.ts";

/** Opens both ends of a ring. */
function openRing(): { main: JobRing; worker: JobRing } {
  const main = new JobRing();
  return { main, worker: new JobRing(main.buffer) };
}

/** Returns all lists of an epoch that the worker finds. */
function readAll(worker: JobRing, epoch: number): number[][] {
  const lists: number[][] = [];
  while (worker.read(epoch)) {
    lists.push([...worker.numbers.slice(worker.from, worker.to)]);
  }
  return lists;
}

Deno.test("JobRing.read() returns each list once, in the order of write()", () => {
  const { main, worker } = openRing();
  assert(main.write([-1, 0, 1, 2], 0));
  assert(main.write([], 0));
  assert(main.write([-0, NaN, Infinity, 0.1], 0));
  const lists = readAll(worker, 0);
  assertEquals(lists, [[-1, 0, 1, 2], [], [-0, NaN, Infinity, 0.1]]);
  assert(Object.is(lists[2][0], -0));
  assertEquals(readAll(worker, 0), []);
});

Deno.test("JobRing.write() refuses a list with a value that is not a number, and writes nothing", () => {
  const { main, worker } = openRing();
  for (const value of ["1", 1n, true, null, undefined, {}, [1]]) {
    assertEquals(main.write([1, value], 0), false);
  }
  assertEquals(readAll(worker, 0), []);
  assert(main.write([3], 0));
  assertEquals(readAll(worker, 0), [[3]]);
});

Deno.test("JobRing.read() stops at the first list of a later epoch", () => {
  const { main, worker } = openRing();
  main.write([1], 0);
  main.write([2], 1);
  main.write([3], 1);
  assertEquals(readAll(worker, 0), [[1]]);
  assertEquals(readAll(worker, 1), [[2], [3]]);
});

Deno.test("JobRing.write() refuses a list while the ring is full, until the worker has read", () => {
  const { main, worker } = openRing();
  const list = new Array(1000).fill(7);
  let written = 0;
  while (main.write(list, 0)) written++;
  assertEquals(written, 8);
  assert(worker.read(0));
  assert(!main.write(list, 0), "a list that is being read is written over");
  assert(worker.read(0));
  assert(main.write(list, 0));
  assertEquals(readAll(worker, 0).length, 7);
  assert(!main.write(new Array(10_000).fill(0), 0), "longer than the ring");
});

Deno.test("JobRing keeps every list over many wrap-arounds with a slow reader", () => {
  const { main, worker } = openRing();
  const waiting: number[][] = [];
  let next = 0;
  for (let step = 0; step < 20_000; step++) {
    const list = Array.from({ length: (step * 7919) % 613 }, () => next++);
    if (main.write(list, 5)) waiting.push(list);
    for (let reads = step % 3; reads > 0 && worker.read(5); reads--) {
      const { numbers, from, to } = worker;
      assertEquals([...numbers.slice(from, to)], waiting.shift());
    }
  }
  assertEquals(readAll(worker, 5), waiting);
});
