import { assertEquals } from "@std/assert";
import { InFlight } from "../../src/dispatch/in_flight.ts";
import { Supervisor } from "../../src/dispatch/supervisor.ts";
import type { PoolWorker } from "../../src/dispatch/worker.ts";
import { JobQueue } from "../../src/job/queue.ts";
import { Board } from "../../src/wire/board.ts";
import { makeJob } from "./jobs.ts";

const SLOTS = 4;

/** Holds a busy worker with a waiting job. `meanwhile` runs before the job is taken back. */
function held(meanwhile: (board: Board, seq: number) => void, takes: boolean) {
  const board = new Board(SLOTS);
  const jobs = new InFlight(board, SLOTS, false);
  const job = makeJob(1);
  const worker = {
    id: 1,
    state: "busy",
    jobs,
    heldFor: undefined,
    takeBack() {
      meanwhile(new Board(SLOTS, board.buffer), job.seq);
      return takes && jobs.takeBack(job);
    },
  } as unknown as PoolWorker;
  jobs.add(job, worker);
  const queue = new JobQueue();
  const supervisor = new Supervisor(
    {
      queue,
      workers: {
        active: new Set(),
        idle: new Set(),
        to: (worker: PoolWorker, state: "held") => worker.state = state,
        release: (worker: PoolWorker) => worker.state = "busy",
      },
    } as unknown as ConstructorParameters<typeof Supervisor>[0],
  );
  supervisor.hold(worker);
  return { state: worker.state, queued: queue.length };
}

Deno.test("Supervisor.hold() puts waiting jobs back into the queue", () => {
  assertEquals(held(() => {}, true), { state: "held", queued: 1 });
});

Deno.test("Supervisor.hold() releases a worker that starts the job meanwhile", () => {
  const claim = (board: Board, seq: number) => board.claim(seq, 0);
  assertEquals(held(claim, true), { state: "busy", queued: 0 });
});

Deno.test("Supervisor.hold() holds a worker whose job cannot go elsewhere", () => {
  assertEquals(held(() => {}, false), { state: "held", queued: 0 });
});
