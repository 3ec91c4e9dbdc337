import { assert, assertEquals, assertFalse } from "@std/assert";
import { InFlight } from "../../src/dispatch/in_flight.ts";
import { LONGEST_SILENCE, Stall } from "../../src/dispatch/stall.ts";
import type { Job } from "../../src/job/job.ts";
import { Board } from "../../src/wire/board.ts";
import { ids, makeJob } from "./jobs.ts";

const SLOTS = 4;
const WORKER = { id: 1 };

function setup(count: number, isRemote = false, timeout?: number) {
  const board = new Board(SLOTS);
  // The worker's end of the same memory.
  const worker = new Board(SLOTS, board.buffer);
  const jobs = new InFlight(board, SLOTS, isRemote);
  const all = Array.from({ length: count }, (_, i) => {
    const job = makeJob(i, timeout === undefined ? undefined : { timeout });
    jobs.add(job, WORKER);
    return job;
  });
  return { board, worker, jobs, all };
}

function end(worker: Board, { seq }: Job): void {
  worker.claim(seq, 0);
  worker.settle(seq, undefined);
}

Deno.test("InFlight.all() returns jobs in the order of add(), without removed jobs", () => {
  const { jobs, all } = setup(3);
  jobs.remove(all[1]);
  assertEquals(ids(jobs.all()), [0, 2]);
  assertEquals([jobs.length, jobs.room], [2, 2]);
  assertEquals(all.map(({ worker }) => worker), [WORKER, undefined, WORKER]);
});

Deno.test("InFlight.add() skips slots in use, also when the numbers wrap around", () => {
  const { jobs, all } = setup(1);
  for (let i = 1; i < 100; i++) {
    const job = makeJob(i);
    jobs.add(job, WORKER);
    assert(job.seq % SLOTS !== all[0].seq % SLOTS);
    assertEquals(jobs.get(job.seq), job);
    assertEquals(ids(jobs.all()), [0, i]);
    jobs.remove(job);
    assertEquals(jobs.get(job.seq), undefined);
  }
  assertEquals(jobs.peek(), all[0]);
});

Deno.test("InFlight.get() finds a job by the lower 32 bits of its number, as a ring stores it", () => {
  const { jobs } = setup(0);
  for (const seq of [2 ** 31 + 9, 2 ** 32 + 9, 2 ** 33 - 9]) {
    const job = makeJob(seq);
    jobs.add(job, WORKER);
    const slot = job.seq;
    // As if this many jobs had come before.
    job.seq = seq - seq % SLOTS + slot % SLOTS;
    assertEquals(jobs.get(job.seq), job);
    assertEquals(jobs.get(job.seq | 0), job);
    assertEquals(jobs.get(slot), undefined);
    jobs.remove(job);
  }
});

Deno.test("InFlight.takeBack() returns true before a job starts, and false afterwards", () => {
  const { worker, jobs, all } = setup(2);
  worker.claim(all[0].seq, 0);
  assertFalse(jobs.takeBack(all[0]));
  assert(jobs.takeBack(all[1]));
  assertFalse(worker.claim(all[1].seq, 0));
  assertEquals(ids(jobs.all()), [0]);
});

Deno.test("InFlight.count(), firstUnstarted() and hasActiveBefore() follow the board", () => {
  const { worker, jobs, all } = setup(3);
  assertEquals(jobs.count(), { sent: 3, running: 0 });
  assertFalse(jobs.hasActiveBefore(all[2]));
  end(worker, all[0]);
  worker.claim(all[1].seq, 0);
  assertEquals(jobs.count(), { sent: 1, running: 1 });
  assertEquals(jobs.firstUnstarted(), all[2]);
  assert(jobs.hasActiveBefore(all[2]));
});

Deno.test("InFlight.takeUnannounced() returns each started job once", () => {
  const { worker, jobs, all } = setup(3);
  assertEquals(jobs.takeUnannounced(), []);
  worker.claim(all[0].seq, 0);
  assertEquals(ids(jobs.takeUnannounced()), [0]);
  assertEquals(jobs.takeUnannounced(), []);
  // This job ends before the next call, so it is announced with its end.
  end(worker, all[1]);
  assert(jobs.isUnannounced(all[1]));
  jobs.remove(all[1]);
  worker.claim(all[2].seq, 0);
  assertEquals(ids(jobs.takeUnannounced()), [2]);
});

Deno.test("InFlight.findOverdue() returns the jobs past their timeout, and the time until the next check", () => {
  const { worker, jobs, all } = setup(2, false, 100);
  worker.claim(all[0].seq, 1_000);
  assertEquals(jobs.findOverdue(1_060, 0), { overdue: [], next: 40 });
  const { overdue, next } = jobs.findOverdue(1_100, 0);
  assertEquals(ids(overdue), [0]);
  assertEquals(next, 100);
  all[0].settled = true;
  assertEquals(jobs.findOverdue(1_200, 0).overdue, []);
});

Deno.test("InFlight.findOverdue() waits one turn for a process to report the end of its job", () => {
  const { worker, jobs, all } = setup(1, true, 100);
  worker.claim(all[0].seq, 1_000);
  assertEquals(jobs.findOverdue(1_100, 0), { overdue: [], next: 1 });
  assertEquals(jobs.findOverdue(1_101, 0).overdue, all);
});

Deno.test("InFlight.findOverdue() waits for a process about as long as this thread was busy", () => {
  const { worker, jobs, all } = setup(1, true, 100);
  worker.claim(all[0].seq, 1_000);
  assertEquals(jobs.findOverdue(1_130, 30), { overdue: [], next: 30 });
  // A check for another job is too early.
  assertEquals(jobs.findOverdue(1_135, 0), { overdue: [], next: 25 });
  assertEquals(jobs.findOverdue(1_160, 0).overdue, all);
});

Deno.test("InFlight.findOverdue() waits at most 100 ms for a process", () => {
  const { worker, jobs, all } = setup(1, true, 100);
  worker.claim(all[0].seq, 1_000);
  assertEquals(jobs.findOverdue(1_900, 800), { overdue: [], next: 100 });
  assertEquals(jobs.findOverdue(2_000, 0).overdue, all);
});

Deno.test("InFlight.findOverdue() waits for a posted result while messages arrive", () => {
  const { worker, jobs, all } = setup(1, false, 100);
  worker.claim(all[0].seq, 1_000);
  worker.setEnd(all[0].seq, 1_010);
  worker.settlePosted(all[0].seq);
  for (let i = 0; i < 20; i++) {
    assertEquals(jobs.findOverdue(1_200 + i, 0).overdue, []);
    if (i < 17) jobs.messages++;
  }
  assertEquals(jobs.findOverdue(1_220, 0).overdue, all);
});

Deno.test("InFlight.firstToTakeBack() skips a job that was written to a process", () => {
  const { jobs, all, board } = setup(2, true);
  assert(board.write(all[0].seq, 0));
  assertEquals(jobs.firstUnstarted(), all[0]);
  assertEquals(jobs.firstToTakeBack(), all[1]);
});

Deno.test("InFlight.findOverdue() counts the timeout of a posted result from the job's end, plus a few turns", () => {
  const { worker, jobs, all } = setup(1, false, 100);
  worker.claim(all[0].seq, 1_000);
  worker.setEnd(all[0].seq, 1_050);
  worker.settlePosted(all[0].seq);
  assertEquals(jobs.findOverdue(1_100, 0), { overdue: [], next: 50 });
  for (let i = 0; i < 3; i++) {
    assertEquals(jobs.findOverdue(1_150 + i, 0), { overdue: [], next: 1 });
  }
  assertEquals(jobs.findOverdue(1_153, 0).overdue, all);
});

Deno.test("Stall.verdict() is held when a job waits behind a running job", () => {
  const { worker, jobs, all } = setup(2);
  const stall = new Stall(jobs);
  worker.claim(all[0].seq, 0);
  assertEquals(stall.verdict({ now: 1_000, late: 0 }, 0, false), "fine");
  assertEquals(stall.verdict({ now: 1_002, late: 0 }, 0, false), "held");
  stall.over();
  assertEquals(stall.verdict({ now: 1_004, late: 0 }, 0, false), "fine");
});

Deno.test("Stall.verdict() is held when a job waits behind a job whose result does not arrive", () => {
  const { worker, jobs, all } = setup(2);
  const stall = new Stall(jobs);
  worker.claim(all[0].seq, 0);
  worker.settlePosted(all[0].seq);
  assertEquals(stall.verdict({ now: 1_000, late: 0 }, 0, false), "fine");
  assertEquals(stall.verdict({ now: 1_002, late: 0 }, 0, false), "held");
});

Deno.test("Stall.verdict() is unresponsive for a held worker without jobs that sends no message", () => {
  const { jobs, all } = setup(1);
  const stall = new Stall(jobs);
  stall.verdict({ now: 1_000, late: 0 }, 0, false);
  assert(jobs.takeBack(all[0]));
  assertEquals(stall.verdict({ now: 2_000, late: 0 }, 0, true), "fine");
  assertEquals(
    stall.verdict({ now: 2_000 + LONGEST_SILENCE, late: 0 }, 0, true),
    "held",
  );
  assertEquals(
    stall.verdict({ now: 2_001 + LONGEST_SILENCE, late: 0 }, 0, true),
    "unresponsive",
  );
  stall.over();
  assertEquals(stall.verdict({ now: 9_000, late: 0 }, 0, true), "fine");
  assertEquals(stall.verdict({ now: 20_000, late: 0 }, 0, false), "fine");
});

Deno.test("Stall.verdict() does not count time in which this thread did not check", () => {
  const { jobs } = setup(1);
  const stall = new Stall(jobs);
  assertEquals(stall.verdict({ now: 1_000, late: 0 }, 0, false), "fine");
  assertEquals(stall.verdict({ now: 9_000, late: 7_750 }, 0, false), "held");
  assertEquals(stall.verdict({ now: 9_100, late: 7_900 }, 0, false), "fine");
});

Deno.test("Stall.verdict() is held, later unresponsive, for a worker that starts no job", () => {
  const { worker, jobs, all } = setup(1);
  const stall = new Stall(jobs);
  assertEquals(stall.verdict({ now: 1_000, late: 0 }, 0, false), "fine");
  assertEquals(stall.verdict({ now: 1_100, late: 0 }, 0, false), "fine");
  assertEquals(stall.verdict({ now: 1_300, late: 0 }, 0, false), "held");
  // The worker may be reading a large message.
  assertEquals(stall.verdict({ now: 1_300, late: 0 }, 1_200, false), "fine");
  assertEquals(
    stall.verdict({ now: 1_001 + LONGEST_SILENCE, late: 0 }, 0, false),
    "unresponsive",
  );
  worker.claim(all[0].seq, 0);
  assertEquals(stall.verdict({ now: 9_000, late: 0 }, 0, false), "fine");
});

Deno.test("AbortingJobs.due() returns a job when its grace is over, which extend() delays", () => {
  const { worker, jobs, all } = setup(2);
  worker.claim(all[0].seq, 0);
  const { aborting } = jobs;
  assertEquals([aborting.any, aborting.nextDue, aborting.hasHeard], [
    false,
    Infinity,
    true,
  ]);
  aborting.add(all[0], 100);
  assertEquals([aborting.any, aborting.nextDue, aborting.hasHeard], [
    true,
    100,
    false,
  ]);
  assertEquals(aborting.due(99), []);
  assertEquals(aborting.due(100), [{ job: all[0], due: 100, isLast: false }]);
  aborting.extend(all[0], 200, true);
  assertEquals(aborting.due(150), []);
  assertEquals(aborting.due(200), [{ job: all[0], due: 200, isLast: true }]);
  worker.hear();
  assert(aborting.hasHeard && !aborting.isDeaf);
  jobs.remove(all[0]);
  assertFalse(aborting.any);
});
