// Tests Checker: which messages of an untrusted process main accepts or refuses.
import { assertEquals, assertThrows } from "@std/assert";
import { FlowEvent } from "../../src/flow/events.ts";
import { WINDOW } from "../../src/flow/window.ts";
import { Checker, checkText } from "../../src/process/checker.ts";

/** Makes the checker of a process that has job 1 and had job 0. */
function makeChecker(): Checker {
  const checker = new Checker(new Set([1]), 1_000);
  checker.sent(0, 0);
  return checker;
}

const ERROR = {
  base: "Error",
  name: "Error",
  message: "m",
  stack: undefined,
  nested: [],
  properties: {},
};

function sparse(): unknown[] {
  const list: unknown[] = [];
  list.length = 2 ** 32 - 1;
  return list;
}

function deepError(depth: number): unknown {
  let error: unknown = ERROR;
  for (let i = 0; i < depth; i++) error = { ...ERROR, nested: [["a", error]] };
  return error;
}

/** Returns an error that is its own cause. */
function roundError(): unknown {
  const error = { ...ERROR, nested: [] as unknown[] };
  error.nested.push(["cause", error]);
  return error;
}

function ended(ending: unknown, seq = 1): unknown {
  return { kind: "ended", seq, ending };
}

function result(...moved: unknown[]): unknown {
  return ended({
    kind: "value",
    value: {},
    moved: moved.map((one) => [{}, one]),
  });
}

function crash(error: unknown): unknown {
  return { kind: "crashed", error };
}

function flow(...events: unknown[]): unknown {
  return { kind: "flow", events };
}

const READABLE = { kind: "readable", id: -1, credit: 0, bytes: false };
const WRITABLE = { kind: "writable", id: -2, ended: undefined };
const RESPONSE = {
  kind: "response",
  status: 200,
  statusText: "",
  headers: [["a", "b"]],
  details: undefined,
  body: READABLE,
};
const REQUEST = {
  kind: "request",
  url: "http://a.test/",
  method: "GET",
  headers: [],
  details: undefined,
  body: "text",
};

const TAKEN: Record<string, unknown> = {
  "a result": [1, { a: 1 }],
  "no result": [1],
  "a result that is reported twice": [0, 1],
  "an error": ended({ kind: "error", error: ERROR }),
  "an error that is its own cause": ended({
    kind: "error",
    error: roundError(),
  }),
  "an error with errors": crash({ ...ERROR, errors: [{ thrown: 1 }, ERROR] }),
  "a thrown value": crash({ thrown: 5 }),
  "an end of a channel": flow(-1, FlowEvent.END, undefined),
  "streams": result(READABLE, WRITABLE),
  "a transform": result({
    kind: "transform",
    readable: READABLE,
    writable: WRITABLE,
  }),
  "a response": result(RESPONSE),
  "a request": result(REQUEST),
  "the text of several objects": flow(1, FlowEvent.OBJECT, ["[{},{}]", 4096]),
  "a value": result({ kind: "value", type: "URL", data: "http://a.test/" }),
};

const HOSTILE: Record<string, unknown> = {
  "null": null,
  "a number": 0,
  "an unknown kind": { kind: "alive", life: "x" },
  "a kind of the prototype": { kind: "constructor" },
  "a result of another job": [2, 1],
  "many results": [1, 1, 1, 1],
  "a result of nothing": [],
  "a sparse list": sparse(),
  "an ending of another job": ended({ kind: "timed-out" }, 5),
  "no ending": ended(undefined),
  "an unknown ending": ended({ kind: "x" }),
  "an error of nothing": crash(null),
  "an error without a message": crash({ ...ERROR, message: {} }),
  "an error with a list as properties": crash({ ...ERROR, properties: [] }),
  "an error with a sparse list": crash({ ...ERROR, nested: sparse() }),
  "an error with sparse errors": crash({ ...ERROR, errors: sparse() }),
  "an error that holds no error": crash({ ...ERROR, nested: [["a", {}]] }),
  "an error that is deep": crash(deepError(1_000)),
  "an error with many errors": crash({
    ...ERROR,
    errors: Array.from({ length: 10_001 }, () => ({ thrown: 1 })),
  }),
  "a connection": result({ kind: "connection", id: -1 }),
  "a stream with an id of main": result({ ...READABLE, id: 1 }),
  "a stream without a channel": result({ ...WRITABLE, id: "a" }),
  "a stream with too much credit": result({ ...READABLE, credit: 2 * WINDOW }),
  "half a transform": result({ kind: "transform", readable: READABLE }),
  "a response whose body is not a stream": result({
    ...RESPONSE,
    body: { kind: "readable" },
  }),
  "a response whose status is a string": result({ ...RESPONSE, status: "200" }),
  "a response with half a header": result({ ...RESPONSE, headers: [["a"]] }),
  "a response with unknown details": result({ ...RESPONSE, details: { x: 1 } }),
  "a request with a signal": result({ ...REQUEST, signal: {} }),
  "half an event": flow(-1, FlowEvent.END),
  "sparse events": { kind: "flow", events: sparse() },
  "an event for shared memory": flow(0, FlowEvent.BLOCKS, {}),
  "an event without a channel": flow(0, FlowEvent.ENDED, 1),
  "an unknown event": flow(-1, 99, 1),
  "a stop without an error": flow(-1, FlowEvent.STOP, undefined),
  "a call with a value": flow(-1, FlowEvent.CALL, ["setNoDelay"]),
  "a large object with a small size": flow(-1, FlowEvent.OBJECT, [
    { text: "x".repeat(10_000) },
    64,
  ]),
  "a large text with a small size": flow(1, FlowEvent.OBJECT, [
    "x".repeat(10_000),
    64,
  ]),
  "a number as an object": flow(1, FlowEvent.OBJECT, [5, 4096]),
  "credit for chunks that were not sent": flow(1, FlowEvent.CREDIT, 2 * WINDOW),
  "infinite credit": flow(1, FlowEvent.CREDIT, Infinity),
  "negative credit": flow(1, FlowEvent.CREDIT, -1),
};

for (const [what, message] of Object.entries(TAKEN)) {
  Deno.test(`Checker.check() accepts ${what}`, () => {
    assertEquals(makeChecker().check(message) as unknown, message);
  });
}

for (const [what, message] of Object.entries(HOSTILE)) {
  Deno.test(`Checker.check() refuses ${what}`, () => {
    assertThrows(() => makeChecker().check(message), Error, "expected");
  });
}

Deno.test("Checker.check() refuses a second ready message", () => {
  const checker = makeChecker();
  checker.check({ kind: "ready" });
  assertThrows(() => checker.check({ kind: "ready" }));
});

Deno.test("Checker.check() accepts chunks only within their credit", () => {
  const checker = makeChecker();
  const data = flow(-1, FlowEvent.DATA, new Uint8Array(WINDOW));
  checker.check(data);
  assertThrows(() => checker.check(data));
  const other = makeChecker();
  other.check(data);
  other.told([-1, FlowEvent.CREDIT, 1]);
  other.check(data);
  assertThrows(() => other.check(data));
});

Deno.test("Checker.check() limits the chunks kept for streams that never arrive", () => {
  const checker = makeChecker();
  const chunk = new Uint8Array(WINDOW);
  assertThrows(() => {
    for (let id = -1; id > -1_000; id--) {
      checker.check(flow(id, FlowEvent.DATA, chunk));
    }
  });
});

Deno.test("Checker.check() refuses a result with more than 64 streams", () => {
  const streams = Array.from({ length: 65 }, (_, i) => {
    return { ...READABLE, id: -1 - i };
  });
  makeChecker().check(result(...streams.slice(1)));
  assertThrows(
    () => makeChecker().check(result(...streams)),
    Error,
    "fewer streams",
  );
});

const USELESS: Record<string, unknown> = {
  "messages without effect": { kind: "grown" },
  "repeated results": [0, 1],
  "empty lists of events": flow(),
  "credit of 0": flow(1, FlowEvent.CREDIT, 0),
  "ends": flow(1, FlowEvent.END, undefined),
  "repeated endings of a job": ended({ kind: "timed-out" }, 0),
};

for (const [what, message] of Object.entries(USELESS)) {
  Deno.test(`Checker.check() limits the number of ${what}, and allows more for each job and channel`, () => {
    const taken = (jobs: number, moved = 0) => {
      const checker = new Checker(new Set([1]), 1_000);
      for (let i = 0; i < jobs; i++) checker.sent(0, moved);
      let count = 0;
      assertThrows(() => {
        for (; count < 100_000; count++) checker.check(message);
      });
      return count;
    };
    const counts = [taken(1), taken(2), taken(1, 1)];
    assertEquals(counts, [11_000, 12_000, 11_000 + 2 * 16_400]);
  });
}

Deno.test("checkText() refuses texts of many objects or strings, and accepts long strings", () => {
  const check = (value: string) =>
    checkText(new TextEncoder().encode(value), 4_000);
  const objects = (count: number) => `[${"{},".repeat(count)}{}]`;
  const strings = (count: number) => `[${'"",'.repeat(count)}""]`;
  check(objects(998));
  assertThrows(() => check(objects(1_400)), RangeError, "too many objects");
  check(strings(1_900));
  assertThrows(() => check(strings(2_100)), RangeError, "too many objects");
  check(JSON.stringify(['{"\\[['.repeat(10_000), "{".repeat(10_000)]));
});
