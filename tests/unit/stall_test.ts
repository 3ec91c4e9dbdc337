// Tests Stall: how long jobs can wait in their worker.
import { assertEquals } from "@std/assert";
import { InFlight } from "../../src/dispatch/in_flight.ts";
import { Stall } from "../../src/dispatch/stall.ts";
import { Board } from "../../src/wire/board.ts";
import { makeJob } from "./jobs.ts";

const SLOTS = 4;

/** Watches a worker with two jobs. The first has started if `hasStarted`. */
function watched(hasStarted: boolean) {
  const board = new Board(SLOTS);
  const jobs = new InFlight(board, SLOTS, false);
  for (const id of [0, 1]) jobs.add(makeJob(id), { id: 1 });
  if (hasStarted) new Board(SLOTS, board.buffer).claim(0, 0);
  const stall = new Stall(jobs);
  const verdicts = (times: number[], readingUntil = 0) =>
    times.map((now) => stall.verdict({ now, late: 0 }, readingUntil, false));
  return { stall, verdicts };
}

Deno.test("Stall: a worker that starts no job is held after 250 ms, and unresponsive after 5 s", () => {
  const { stall, verdicts } = watched(false);
  const all = ["fine", "fine", "held", "held", "unresponsive"];
  assertEquals(verdicts([0, 249, 250, 5_000, 5_001]), all);
  stall.over();
  assertEquals(verdicts([5_002, 5_251, 5_252]), ["fine", "fine", "held"]);
});

Deno.test("Stall: time in which a worker may be reading, or this thread did not check, does not count", () => {
  const { stall, verdicts } = watched(false);
  assertEquals(verdicts([0, 1_249, 1_250], 1_000), ["fine", "fine", "held"]);
  assertEquals(stall.verdict({ now: 6_500, late: 5_000 }, 0, true), "held");
});

Deno.test("Stall: a worker whose jobs wait behind a running job is held after 1 ms", () => {
  const { verdicts } = watched(true);
  assertEquals(verdicts([0, 0.9, 1, 9_000]), ["fine", "fine", "held", "held"]);
});
