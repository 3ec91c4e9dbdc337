// Tests the executor in this thread, on a real board whose other end is here too.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { Board, slotsFor, State } from "../../src/wire/board.ts";
import { JobListWriter } from "../../src/wire/job_list.ts";
import type { FromWorker } from "../../src/wire/protocol.ts";
import { currentJob } from "../../src/worker/current_job.ts";
import { Executor } from "../../src/worker/executor.ts";
import { Handlers, type Module } from "../../src/worker/handlers.ts";

const NO_TIMEOUT = Infinity;

/** Makes an executor, and returns it with everything that main sees of it. */
function open(module: Module, concurrency = 1, guards = false) {
  const board = new Board(slotsFor(concurrency));
  const posted: FromWorker[] = [];
  const crashes: unknown[] = [];
  const turns: (() => void)[] = [];
  const names = Object.keys(module);
  const handlers = new Handlers(module);
  handlers.define({
    forgotten: [],
    definitions: names.map((name, id) => ({ id, name })),
  });
  const executor = new Executor(handlers, {
    init: {
      workerId: 7,
      rings: undefined,
      module: undefined,
      concurrency,
      maxHeap: Infinity,
      guards,
      hardKill: false,
      memoryLimit: undefined,
      timeOrigin: performance.timeOrigin,
    },
    board,
    post: (message) => void posted.push(message),
    nextTurn: () => Promise.reject(new Error("It has no need of that")),
    pause: () => new Promise((resolve) => turns.push(resolve)),
    crash: (error) => void crashes.push(error),
  });
  let seq = 0;
  /** Sends jobs in one message. */
  const send = (
    ...jobs: [name: string, args?: unknown[], timeout?: number][]
  ) => {
    const writer = new JobListWriter();
    for (const [name, args = [], timeout = NO_TIMEOUT] of jobs) {
      board.send(seq);
      const fn = { id: names.indexOf(name) };
      writer.write({
        id: seq + 1,
        fn,
        args,
        seq: seq++,
        timeout,
        trace: undefined,
      });
    }
    executor.receive(writer.list);
  };
  return { board, posted, crashes, turns, executor, send };
}

/** Resolves when the condition is true. */
async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 5000; !condition();) {
    assert(performance.now() < end, `Expected ${condition}`);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

const IS_WAKE = 0;

Deno.test("Executor.receive() runs jobs in order, and wakes main once", () => {
  const seen: unknown[] = [];
  const { board, posted, send } = open({ see: (x: unknown) => seen.push(x) });
  send(["see", ["a"]], ["see", ["b"]], ["see", ["c"]]);
  assertEquals(seen, ["a", "b", "c"]);
  assertEquals(board.state(2), State.NUMBER);
  assertEquals(board.result(2, State.NUMBER, 3), 3);
  assertEquals(posted, [IS_WAKE]);
});

Deno.test("Executor skips a job that main has taken back", () => {
  const seen: unknown[] = [];
  const { board, posted, send } = open({
    takeBack: () => board.takeBack(1),
    see: (x: unknown) => seen.push(x),
  });
  send(["takeBack"], ["see", [1]], ["see", [2]]);
  assertEquals(seen, [2]);
  assertEquals(board.state(1), State.TAKEN_BACK);
  assertEquals(posted, [IS_WAKE]);
});

Deno.test("currentJob() returns the handler's own job, and undefined afterwards", () => {
  const { send } = open({
    look: () => {
      const job = currentJob()!;
      assertEquals([job.id, job.name, job.workerId], [1, "look", 7]);
    },
  });
  send(["look"]);
  assertEquals(currentJob(), undefined);
});

Deno.test("a handler that changes its currentJob() object ends no other job", async () => {
  const gate = Promise.withResolvers<void>();
  const { board, executor, send } = open({
    lie: async () => {
      Object.assign(currentJob()!, { seq: 0, place: 0 });
      await 1;
      return "forged";
    },
    wait: async () => {
      await gate.promise;
      return 5;
    },
  }, 2);
  send(["wait"], ["lie"]);
  await until(() => board.state(1) === State.TEXT);
  assertEquals(board.state(0), State.CLAIMED);
  executor.abort(0, { thrown: "stop" });
  gate.resolve();
  await until(() => board.state(0) === State.NUMBER);
});

Deno.test("Executor awaits a job before the next at a concurrency of 1", async () => {
  const gate = Promise.withResolvers<number>();
  const { board, send, turns } = open({
    wait: () => gate.promise,
    one: () => 1,
  });
  send(["wait"], ["one"]);
  assertEquals(board.state(0), State.CLAIMED);
  assertEquals(board.state(1), State.SENT);
  gate.resolve(5);
  await until(() => board.state(0) === State.NUMBER);
  turns.forEach((turn) => turn());
  await until(() => board.state(1) === State.NUMBER);
});

Deno.test("Executor runs up to `concurrency` asynchronous jobs at once", async () => {
  const gates = [0, 1, 2].map(() => Promise.withResolvers<number>());
  const { board, send } = open({ wait: (i: number) => gates[i].promise }, 2);
  send(["wait", [0]], ["wait", [1]], ["wait", [2]]);
  assertEquals([0, 1, 2].map((seq) => board.state(seq)), [
    State.CLAIMED,
    State.CLAIMED,
    State.SENT,
  ]);
  gates[1].resolve(1);
  await until(() => board.state(2) === State.CLAIMED);
  gates[0].resolve(0);
  gates[2].resolve(2);
  await until(() => board.state(0) === State.NUMBER);
  await until(() => board.state(2) === State.NUMBER);
  assertEquals(board.result(2, State.NUMBER, 3), 2);
});

Deno.test("Executor.abort() aborts the signal of this job only", async () => {
  const signals: AbortSignal[] = [];
  const gate = Promise.withResolvers<void>();
  const { board, executor, send } = open({
    wait: () => {
      signals.push(currentJob()!.signal);
      return gate.promise;
    },
  }, 2);
  send(["wait"], ["wait"]);
  executor.abort(1, { thrown: "stop" });
  await until(() => signals[1].aborted);
  assertEquals(signals[1].reason, "stop");
  assertEquals(signals[0].aborted, false);
  assertEquals(board.heard, 1);
  gate.resolve();
  await until(() => board.state(1) === State.UNDEFINED);
});

Deno.test("Executor posts an ending that the board cannot hold before the next job starts", async () => {
  const { board, posted, send } = open({
    map: () => new Map([[1, 2]]),
    fail: () => {
      throw new RangeError("thrown");
    },
    one: () => 1,
  });
  send(["map"], ["fail"], ["one"]);
  // The code that posts endings is loaded first.
  assertEquals(board.state(2), State.SENT);
  await until(() => board.state(2) === State.NUMBER);
  assertEquals(posted[0], [0, new Map([[1, 2]])]);
  const { ending } = posted[1] as { ending: { error: { message: string } } };
  assertEquals(ending.error.message, "thrown");
  assertEquals(board.state(1), State.POSTED);
});

Deno.test("Executor refuses a result that cannot be cloned, and runs the next job", async () => {
  const { board, posted, send } = open({ give: () => () => {}, one: () => 1 });
  send(["give"], ["one"]);
  await until(() => board.state(1) === State.NUMBER);
  const { ending } = posted[0] as { ending: { kind: string; message: string } };
  assertEquals(ending.kind, "not-cloneable");
  assert(ending.message.startsWith('The result of job "give" cannot be sent'));
});

Deno.test("Executor pauses between jobs for timers and I/O every 10 ms", () => {
  const { board, send, turns } = open({
    burn: () => {
      for (const end = performance.now() + 12; performance.now() < end;);
    },
    one: () => 1,
  });
  send(["burn"], ["one"]);
  assertEquals(board.state(1), State.SENT);
  assertEquals(turns.length, 1);
});

Deno.test("Executor with guards stops a synchronous job, and reports it at once", async () => {
  const { board, posted, turns, send } = open(
    {
      loop: () => {
        while (true);
      },
      one: () => 1,
    },
    1,
    true,
  );
  send(["loop", [], 20], ["one"]);
  await until(() => board.state(0) === State.POSTED);
  assertEquals(posted[0], {
    kind: "ended",
    seq: 0,
    ending: { kind: "timed-out" },
  });
  turns.forEach((turn) => turn());
  await until(() => board.state(1) === State.NUMBER);
});

Deno.test("an error in the pool's own code crashes the worker", async () => {
  const { crashes, posted, send } = open({ one: async () => await 1 });
  Object.defineProperty(posted, "push", {
    value: () => {
      throw new Error("posting is broken");
    },
  });
  send(["one"]);
  await until(() => crashes.length > 0);
  await assertRejects(() => Promise.reject(crashes[0]), Error, "broken");
});
