// Tests Board, with both ends in this thread: claims, results, times and signals.
import { assert, assertEquals, assertFalse } from "@std/assert";
import fc from "fast-check";
import { Board, slotsFor, State } from "../../src/wire/board.ts";

const SLOTS = 8;

function makeBoards(slots = SLOTS): { main: Board; worker: Board } {
  const main = new Board(slots);
  return { main, worker: new Board(slots, main.buffer) };
}

Deno.test("Board.result() returns a response in order among other texts", () => {
  const board = new Board(8);
  for (const seq of [0, 1, 2]) {
    board.send(seq);
    board.claim(seq, 0);
  }
  board.settle(0, { a: 1 });
  assert(board.settleResponse(1, `[200,"","text"]`));
  board.settle(2, [2]);
  assertEquals(board.state(1), State.RESPONSE);
  const results = [0, 1, 2].map((seq) =>
    board.result(seq, board.state(seq), 3)
  );
  assertEquals(results, [{ a: 1 }, [200, "", "text"], [2]]);
});

Deno.test("Board.settleResponse() changes nothing if the response does not fit", () => {
  const board = new Board(8);
  board.send(0);
  board.claim(0, 0);
  assertFalse(board.settleResponse(0, "x".repeat(2 ** 20)));
  assertEquals(board.state(0), State.CLAIMED);
});

Deno.test("slotsFor() returns a power of two, at least twice the concurrency", () => {
  assertEquals([1, 512, 513, 5_000].map(slotsFor), [1024, 1024, 2048, 16384]);
});

Deno.test("a sent job is claimed once or taken back once", () => {
  const { main, worker } = makeBoards();
  assertFalse(worker.claim(0, 0), "it was not sent");
  main.send(0);
  assertEquals(worker.state(0), State.SENT);
  assert(worker.claim(0, 1));
  assertEquals(main.state(0), State.CLAIMED);
  assertFalse(main.takeBack(0));
  assertFalse(worker.claim(0, 2));
  main.send(1);
  assert(main.takeBack(1));
  assertFalse(worker.claim(1, 3));
  assertFalse(main.takeBack(1));
  assertEquals(main.state(1), State.TAKEN_BACK);
});

Deno.test("Board.claim() and takeBack() reject a job whose slot has a later job", () => {
  const { main, worker } = makeBoards();
  main.send(3);
  main.takeBack(3);
  main.send(3 + SLOTS);
  // Only now does the worker read the first job.
  assertFalse(worker.claim(3, 0));
  assertFalse(main.takeBack(3));
  assertEquals(main.state(3 + SLOTS), State.SENT);
  assert(worker.claim(3 + SLOTS, 0));
});

const RESULTS: [unknown, State][] = [
  [undefined, State.UNDEFINED],
  [null, State.NULL],
  [true, State.TRUE],
  [false, State.FALSE],
  [0.1, State.NUMBER],
  [-0, State.NUMBER],
  [NaN, State.NUMBER],
  [-Infinity, State.NUMBER],
  ["text", State.TEXT],
  ["", State.TEXT],
  [[1, { a: [null] }], State.TEXT],
  [{}, State.TEXT],
];

Deno.test("Board.settle() writes plain results, and changes nothing for other results", () => {
  const { main, worker } = makeBoards(16);
  for (const [seq, [result, state]] of RESULTS.entries()) {
    main.send(seq);
    worker.claim(seq, seq);
    worker.setEnd(seq, seq + 0.5);
    assert(worker.settle(seq, result));
    assertEquals(main.state(seq), state);
    const read = main.result(seq, state, seq + 1);
    assertEquals(read, result);
    assertEquals(Object.is(read, -0), Object.is(result, -0));
    assertEquals([main.start(seq), main.end(seq)], [seq, seq + 0.5]);
  }
  main.send(12);
  worker.claim(12, 0);
  for (const result of [new Date(), 7n, [undefined], "x".repeat(20_000)]) {
    assertFalse(worker.settle(12, result));
    assertEquals(main.state(12), State.CLAIMED);
  }
  worker.settlePosted(12);
  assertEquals(main.state(12), State.POSTED);
});

Deno.test("Board.result() reads each text once, in runs, also across the end of the ring", () => {
  const { main, worker } = makeBoards(1024);
  let seq = 0;
  for (let round = 0; round < 40; round++) {
    const texts = Array.from(
      { length: 1 + round % 9 },
      (_, i) => [round, i, "é".repeat(round * 50)],
    );
    const first = seq;
    for (const text of texts) {
      main.send(seq);
      worker.claim(seq, 0);
      assert(worker.settle(seq++, text));
    }
    for (const [i, text] of texts.entries()) {
      assertEquals(main.result(first + i, State.TEXT, seq), text);
    }
  }
});

Deno.test("Board.result() ends a run of texts before an unsettled job, and before `end`", () => {
  const { main, worker } = makeBoards();
  for (const seq of [0, 1, 2]) main.send(seq);
  worker.claim(0, 0);
  worker.settle(0, "zero");
  worker.claim(1, 0);
  assertEquals(main.result(0, State.TEXT, 3), "zero");
  worker.settle(1, "one");
  worker.claim(2, 0);
  worker.settle(2, "two");
  assertEquals(main.result(1, State.TEXT, 2), "one");
  assertEquals(main.result(2, State.TEXT, 3), "two");
});

Deno.test("Board.settle() refuses a text that does not fit, until main has read other texts", () => {
  const { main, worker } = makeBoards(1024);
  const text = "x".repeat(10_000);
  let seq = 0;
  for (;; seq++) {
    main.send(seq);
    worker.claim(seq, 0);
    if (!worker.settle(seq, text)) break;
  }
  assert(seq > 5, `only ${seq} texts fit`);
  assertEquals(main.state(seq), State.CLAIMED);
  for (let i = 0; i < seq; i++) {
    assertEquals(main.result(i, State.TEXT, i + 1), text);
  }
  assert(worker.settle(seq, text));
  assertEquals(main.result(seq, State.TEXT, seq + 1), text);
});

Deno.test("Board.wake() returns true once after each Board.awake()", () => {
  const { main, worker } = makeBoards();
  assertEquals([worker.wake(), worker.wake(), worker.wake()], [
    true,
    false,
    false,
  ]);
  main.awake();
  main.awake();
  assertEquals([worker.wake(), worker.wake()], [true, false]);
});

Deno.test("Board.heard and Board.largeRead count aborts heard and large results read", () => {
  const { main, worker } = makeBoards();
  assertEquals([main.heard, worker.largeRead], [0, 0]);
  worker.hear();
  worker.hear();
  main.hasRead();
  assertEquals([main.heard, worker.largeRead], [2, 1]);
});

/** State of a job in a simple model of the board. */
type Known = "sent" | "claimed" | "gone" | { result: unknown };

Deno.test("Board agrees with a model in any order of steps, also where sequence numbers wrap around", () => {
  const step = fc.record({
    act: fc.constantFrom("send", "claim", "takeBack", "settle", "result"),
    pick: fc.nat(SLOTS - 1),
    result: fc.jsonValue(),
  });
  // A word holds 28 bits of a sequence number, an index 32.
  const first = fc.constantFrom(0, 2 ** 28 - 5, 2 ** 31 - 5, 2 ** 32 - 5);
  fc.assert(
    fc.property(first, fc.array(step, { maxLength: 60 }), (first, steps) => {
      const { main, worker } = makeBoards();
      const jobs = new Map<number, Known>();
      /** Sequence numbers, in the order of their texts. */
      const settled: number[] = [];
      let next = first;
      for (const { act, pick, result } of steps) {
        const seq = act === "send" ? next : next - 1 - pick;
        const job = jobs.get(seq);
        if (act === "send") {
          const last = jobs.get(seq - SLOTS);
          // The slot is in use.
          if (last !== undefined && last !== "gone") continue;
          main.send(seq);
          jobs.set(next++, "sent");
        } else if (act === "claim") {
          assertEquals(worker.claim(seq, 1), job === "sent");
          if (job === "sent") jobs.set(seq, "claimed");
        } else if (act === "takeBack") {
          assertEquals(main.takeBack(seq), job === "sent");
          if (job === "sent") jobs.set(seq, "gone");
        } else if (act === "settle" && job === "claimed") {
          const { length } = settled;
          // At a concurrency of 1, jobs settle in order.
          if (length > 0 && settled[length - 1] > seq) continue;
          if (!worker.settle(seq, result)) worker.settlePosted(seq);
          settled.push(seq);
          jobs.set(seq, { result });
        } else if (act === "result" && settled.length > 0) {
          const seq = settled.shift()!;
          const state = main.state(seq);
          const { result } = jobs.get(seq) as { result: unknown };
          if (state > State.POSTED) {
            assertEquals(main.result(seq, state, next), result);
          }
          jobs.set(seq, "gone");
        }
      }
    }),
    { numRuns: 300 },
  );
});
