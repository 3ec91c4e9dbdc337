import { assertEquals, assertInstanceOf } from "@std/assert";
import { FunctionTable } from "../../src/job/functions.ts";
import { Job, type JobExtras } from "../../src/job/job.ts";
import type { PoolEvents } from "../../src/job/pool_events.ts";
import { Settlement } from "../../src/job/settlement.ts";
import { Meter } from "../../src/job/stats.ts";
import { JobTimeoutError } from "../../src/errors.ts";
import { makeJob } from "./jobs.ts";

function setup() {
  const log: string[] = [];
  const now = () => performance.now();
  const meter = new Meter(1, now, false);
  const events: PoolEvents = {
    hasListener: () => true,
    emit: (type) => log.push(type),
  };
  const settlement = new Settlement({
    now,
    meter,
    functions: new FunctionTable(),
    events,
    onAbort: (job, reason) => settlement.abort(job, reason),
    onDrained: () => log.push("drained"),
  });
  let lastId = 0;
  /** Adds a job, and returns it with its promise. */
  function add(extras?: JobExtras): [Job, Promise<unknown>] {
    const { promise, resolve } = Promise.withResolvers();
    promise.then(() => log.push("resolved"), () => log.push("rejected"));
    const job = makeJob(++lastId, extras, resolve);
    settlement.add(job);
    return [job, promise];
  }
  return { log, meter, settlement, add };
}

Deno.test("Settlement.value() resolves once, after the job's event, and reports when no job is left", async () => {
  const { log, meter, settlement, add } = setup();
  const [job, promise] = add();
  settlement.value(job, 42, 1, 0, 1);
  assertEquals(await promise, 42);
  settlement.fail(job, new Error());
  settlement.timeOut(job);
  settlement.abort(job, "late");
  await Promise.resolve();
  assertEquals(log, ["jobend", "drained", "resolved"]);
  assertEquals(
    [meter.total.completed, meter.total.failed, settlement.waiting],
    [1, 0, 0],
  );
});

Deno.test("Settlement.timeOut() rejects with JobTimeoutError, and drops a later result", async () => {
  const { meter, settlement, add } = setup();
  const [job, promise] = add({ timeout: 10 });
  settlement.timeOut(job);
  settlement.value(job, 42, 1, 0, 20);
  assertInstanceOf(await promise.catch((e) => e), JobTimeoutError);
  assertEquals([meter.total.timedOut, meter.total.completed], [1, 0]);
});

Deno.test("Settlement.abort() rejects with the reason of the job's signal, but not a settled job", async () => {
  const { meter, settlement, add } = setup();
  const controller = new AbortController();
  const [, aborted] = add({ signal: controller.signal });
  const [other, ended] = add({ signal: controller.signal });
  settlement.value(other, 1, 1, 0, 1);
  controller.abort("enough");
  assertEquals(await aborted.catch((reason) => reason), "enough");
  assertEquals(await ended, 1);
  assertEquals([meter.total.aborted, meter.total.completed], [1, 1]);
});

Deno.test("Settlement reports once that no job is left, however many settle in a turn", async () => {
  const { log, settlement, add } = setup();
  const jobs = [add(), add(), add()];
  for (const [job] of jobs) settlement.value(job, 1, 1, 0, 1);
  await Promise.all(jobs.map(([, promise]) => promise));
  assertEquals(log.filter((entry) => entry === "drained").length, 1);
});

Deno.test("Settlement.value() resolves a batch with any ending of its last item", async () => {
  const { log, settlement } = setup();
  const fn = { id: 0, name: "batch", jobs: 0, isKept: true, isBatch: true };
  for (const ending of [{ kind: "error", error: 5 }, { kind: "timed-out" }]) {
    const { promise, resolve } = Promise.withResolvers();
    const job = new Job(1, fn, [], 0, undefined, resolve);
    settlement.add(job);
    const result = [1, [], [], ending];
    settlement.value(job, result, 1, 0, 1);
    assertEquals(await promise, result);
  }
  assertEquals(log.filter((type) => type === "jobend").length, 2);
});
