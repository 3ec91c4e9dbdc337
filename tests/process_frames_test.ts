// What goes between main and a process, without a process: frames and chunks, cut
// anywhere; values as bytes; and what of a hostile process is not taken.
import { assert, assertEquals, assertThrows } from "@std/assert";
import process from "node:process";
import { FlowEvent } from "../src/flow/events.ts";
import { WINDOW } from "../src/flow/window.ts";
import { JobListReader, singleJobs, textOfJob } from "../src/wire/job_list.ts";
import { Checker } from "../src/process/checker.ts";
import { ChunkReader } from "../src/process/chunk_reader.ts";
import {
  decodeClone,
  encodeClone,
  readBlobs,
  useV8,
} from "../src/process/clone.ts";
import { checkText } from "../src/process/density.ts";
import { FrameReader } from "../src/process/frame_reader.ts";
import { frameHead, textFrame } from "../src/process/frame_writer.ts";
import {
  ATOMIC,
  CHUNK_HEAD,
  CHUNK_KIND,
  CHUNK_LENGTH,
  CHUNK_REST,
  Kind,
  LARGE,
  MARK,
} from "../src/process/frames.ts";
import { randomOf } from "./random.ts";

useV8(process.getBuiltinModule("node:v8"));

const MARKED = crypto.getRandomValues(new Uint8Array(MARK));
const LONGEST = 100_000;

/** @param rest How many bytes of the frame are said to follow */
function chunk(kind: number, bytes: Uint8Array, rest = 0): Uint8Array {
  const all = new Uint8Array(CHUNK_HEAD + bytes.length);
  all.set(MARKED);
  const head = new DataView(all.buffer);
  head.setUint32(CHUNK_LENGTH, bytes.length);
  head.setUint8(CHUNK_KIND, kind);
  head.setUint32(CHUNK_REST, rest);
  all.set(bytes, CHUNK_HEAD);
  return all;
}

function text(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function concat(parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** What a reader makes of bytes that come in pieces of these sizes. */
function readChunks(bytes: Uint8Array, sizes: () => number) {
  const frames: [Kind, string, number[]?][] = [];
  let printed = "";
  const decoder = new TextDecoder();
  const reader = new ChunkReader(MARKED, LONGEST, {
    text: (bytes) => frames.push([Kind.TEXT, decoder.decode(bytes)]),
    clone: (bytes, buffers) => {
      const lengths = buffers.map(({ buffer }) => buffer.byteLength);
      frames.push([Kind.CLONE, decoder.decode(bytes), lengths]);
    },
    other: (bytes) => printed += decoder.decode(bytes),
  });
  for (let at = 0; at < bytes.length;) {
    const size = sizes();
    reader.push(bytes.slice(at, at + size));
    at += size;
  }
  reader.end();
  return { frames, printed };
}

Deno.test("ChunkReader tells frames from text, wherever they are cut", () => {
  const long = "y".repeat(ATOMIC - CHUNK_HEAD);
  const bytes = concat([
    text("before"),
    chunk(Kind.TEXT, text("one")),
    chunk(Kind.BYTES, new Uint8Array(LARGE)),
    chunk(Kind.BYTES, new Uint8Array(7)),
    chunk(Kind.CLONE, text(long), 3),
    text("between"),
    MARKED.slice(0, 3),
    chunk(Kind.CLONE, text("two")),
    chunk(Kind.TEXT, text("three")),
    text("after"),
    MARKED.slice(0, 5),
  ]);
  const decoder = new TextDecoder();
  const cut = decoder.decode(MARKED.slice(0, 3));
  const end = decoder.decode(MARKED.slice(0, 5));
  const whole = readChunks(bytes, () => bytes.length);
  assertEquals(whole, {
    frames: [
      [Kind.TEXT, "one"],
      [Kind.CLONE, `${long}two`, [LARGE, 7]],
      [Kind.TEXT, "three"],
    ],
    printed: `beforebetween${cut}after${end}`,
  });
  const random = randomOf(1);
  for (let i = 0; i < 50; i++) {
    const { frames } = readChunks(bytes, () => 1 + Math.floor(random() * 30));
    assertEquals(frames, whole.frames);
  }
});

Deno.test("ChunkReader refuses chunks and frames that are longer, or shorter, than any is", () => {
  const read = (...chunks: Uint8Array[]) =>
    readChunks(concat(chunks), () => 1_000_000);
  const full = new Uint8Array(60_000);
  assertThrows(() => read(chunk(Kind.TEXT, new Uint8Array())), RangeError);
  assertThrows(
    () => read(chunk(Kind.TEXT, new Uint8Array(10), 10)),
    RangeError,
  );
  assertThrows(
    () => read(chunk(Kind.TEXT, new Uint8Array(70_000))),
    RangeError,
  );
  assertThrows(
    () => read(chunk(Kind.TEXT, full, 60_000)),
    RangeError,
  );
  assertThrows(() => read(chunk(Kind.CLONE, full, 4e9)), RangeError);
  assertThrows(
    () => read(chunk(Kind.BYTES, full), chunk(Kind.CLONE, full)),
    RangeError,
  );
});

Deno.test("ChunkReader refuses chunks and bytes that belong to nothing", () => {
  const read = (...chunks: Uint8Array[]) =>
    readChunks(concat(chunks), () => 1_000_000);
  const full = new Uint8Array(5_000);
  for (
    const [kind, rest, length] of [
      [Kind.TEXT, 0, 10],
      [Kind.CLONE, 0, 9],
      [Kind.CLONE, 1, 10],
    ]
  ) {
    assertThrows(
      () =>
        read(
          chunk(Kind.CLONE, full, 10),
          chunk(kind, new Uint8Array(length), rest),
        ),
      RangeError,
    );
  }
  const some = chunk(Kind.BYTES, new Uint8Array(7));
  assertThrows(() => read(some, some), RangeError);
  assertThrows(() => read(some, chunk(Kind.TEXT, text("a"))), RangeError);
  assertThrows(() => read(chunk(3, text("a"))), RangeError);
});

Deno.test("textFrame() makes frames of texts of any length", () => {
  for (const length of [0, 1, 300, 1364, 1365, 5_000, 70_000]) {
    for (const letter of ["a", "ö", "€", "😀"]) {
      const written = letter.repeat(length);
      const read: string[] = [];
      const reader = new FrameReader((kind, bytes) => {
        assertEquals(kind, Kind.TEXT);
        read.push(new TextDecoder().decode(bytes));
      });
      for (const part of textFrame(written)) reader.push(part);
      assertEquals(read, [written]);
    }
  }
});

Deno.test("FrameReader gives whole frames, wherever they are cut", () => {
  const texts = ["a", "", "b".repeat(1000), "c"];
  const bytes = concat(texts.flatMap((content) => {
    const bytes = text(content);
    return [frameHead(Kind.CLONE, bytes.length), bytes];
  }));
  for (const size of [1, 3, 7, 100, bytes.length]) {
    const frames: string[] = [];
    const reader = new FrameReader((kind, bytes) => {
      assertEquals(kind, Kind.CLONE);
      frames.push(new TextDecoder().decode(bytes));
    });
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
    }
    assertEquals(frames, texts);
  }
});

function roundTrip(value: unknown, moves?: Transferable[]): unknown {
  const { clone, buffers } = encodeClone(value, moves);
  return decodeClone(clone, buffers.map((bytes) => new Uint8Array(bytes)));
}

Deno.test("encodeClone() keeps what a structured clone keeps, small buffers and large ones", () => {
  const large = new Uint8Array(50_000).fill(1);
  const value = {
    map: new Map([[1, new Date(0)]]),
    large,
    view: large.subarray(3, 5),
    small: new Float32Array([1.5]),
    resizable: new ArrayBuffer(40_000, { maxByteLength: 50_000 }),
  };
  const clone = roundTrip(value) as typeof value;
  assertEquals(clone, value);
  assert(clone.view.buffer === clone.large.buffer);
  assertEquals(large.length, 50_000);
});

Deno.test("encodeClone() takes what moves, and nothing if it refuses", () => {
  const buffers = [new ArrayBuffer(10), new ArrayBuffer(100_000)];
  assertThrows(() => encodeClone([buffers, () => {}], buffers));
  const memory = new SharedArrayBuffer(1);
  assertThrows(() => encodeClone([buffers, memory], buffers));
  assertEquals(buffers.map(({ detached }) => detached), [false, false]);
  const clone = roundTrip(buffers, buffers) as ArrayBuffer[];
  assertEquals(clone.map(({ byteLength }) => byteLength), [10, 100_000]);
  assertEquals(buffers.map(({ detached }) => detached), [true, true]);
});

Deno.test("decodeClone() refuses bytes that are of no value", () => {
  const random = randomOf(2);
  const good = encodeClone(new Map([[1, "x"]])).clone;
  for (let i = 0; i < 2_000; i++) {
    const bad = good.slice(0, Math.floor(random() * good.length));
    if (bad.length > 4) bad[4 + Math.floor(random() * (bad.length - 4))] = 255;
    try {
      decodeClone(bad);
    } catch (error) {
      assert(error instanceof Error);
    }
  }
  assertThrows(() => decodeClone(new Uint8Array()));
  // Nested more deeply than there is stack.
  const deep = new Uint8Array(2_000_000);
  deep.set([0, 0, 0xff, 0x0f]);
  for (let at = 4; at < deep.length - 1; at += 2) deep.set([0x41, 1], at);
  assertThrows(() => decodeClone(deep));
});

Deno.test("decodeClone() refuses buffers and blobs that do not fit the value", async () => {
  const buffer = new Uint8Array(LARGE);
  const blob = new Blob(["abc"]);
  const { clone, buffers, blobs } = encodeClone([buffer, blob]);
  assertEquals([buffers.length, blobs], [1, [blob]]);
  const bytes = await readBlobs(blobs) as Uint8Array<ArrayBuffer>;
  const [copy, back] = decodeClone(clone, [buffer, bytes]) as [
    Uint8Array,
    Blob,
  ];
  assertEquals([copy.length, await back.text()], [LARGE, "abc"]);
  for (
    const wrong of [
      [],
      [buffer],
      [buffer, bytes.slice(1)],
      [buffer, new Uint8Array(4)],
      [buffer, bytes, bytes],
    ]
  ) assertThrows(() => decodeClone(clone, wrong), RangeError);
  const plain = encodeClone([buffer]).clone;
  assertThrows(() => decodeClone(plain, [buffer, bytes]), RangeError);
});

Deno.test("decodeClone() refuses stand-ins that stand for nothing", () => {
  for (
    const made of [
      1,
      [1],
      [[{}]],
      [[{}, { kind: "blob", size: -1, type: "" }]],
      [[{}, { kind: "blob", size: 1e15, type: "" }]],
    ]
  ) {
    const { clone } = encodeClone({ value: 1, standIns: made });
    clone[1] = 1;
    assertThrows(() => decodeClone(clone));
  }
});

Deno.test("encodeClone() leaves blobs where they were", () => {
  const blob = new Blob(["x"]);
  const value = {
    list: [blob],
    map: new Map([[blob, blob]]),
    error: new Error("e", { cause: blob }),
  };
  encodeClone(value);
  assert(value.list[0] === blob && value.error.cause === blob);
  assertEquals([...value.map], [[blob, blob]]);
});

Deno.test("singleJobs() takes a list apart", () => {
  const list = [-1, 7, 1, 0, 2, "a", "b", -2, 50, 2, 1, -1, "[]", -2, Infinity];
  list.push(3, 0, 0);
  const jobs = [...singleJobs(list)];
  assertEquals(jobs.map(({ seq, isTimed }) => [seq, isTimed]), [
    [7, false],
    [8, true],
    [9, false],
  ]);
  assertEquals(jobs.map(({ list }) => list), [
    [-1, 7, 1, 0, 2, "a", "b"],
    [-1, 8, -2, 50, 2, 1, -1, "[]"],
    [-1, 9, 3, 0, 0],
  ]);
  assertEquals(textOfJob(jobs[0], '["a"]'), '[-1,7,1,0,-2,["a"]]');
  assertEquals(textOfJob(jobs[1]), "[-1,8,-2,50,2,1,-2,[]]");
  const reader = new JobListReader(JSON.parse(textOfJob(jobs[0], '["a"]')));
  assert(reader.read());
  assertEquals([reader.seq, reader.id, reader.args], [7, 1, ["a"]]);
  assert(!reader.read());
});

/** Of a process that has job 1, and had job 0. */
function makeChecker(): Checker {
  return new Checker({
    isRunning: (seq) => seq === 1,
    wasSent: (seq) => seq === 0,
  }, 1_000);
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

function deepError(): unknown {
  let error: unknown = ERROR;
  for (let i = 0; i < 1_000; i++) error = { ...ERROR, nested: [["a", error]] };
  return error;
}

const TAKEN: Record<string, unknown> = {
  "a result": [1, { a: 1 }],
  "no result": [1],
  "a result that is told of twice": [0, 1],
  "an error": {
    kind: "ended",
    seq: 1,
    ending: { kind: "error", error: ERROR },
  },
  "a thrown value": { kind: "crashed", error: { thrown: 5 } },
  "an end of a channel": {
    kind: "flow",
    events: [-1, FlowEvent.END, undefined],
  },
};

const HOSTILE: Record<string, unknown> = {
  null: null,
  "a number": 0,
  "an unknown kind": { kind: "alive", life: "x" },
  "a kind of the prototype": { kind: "constructor" },
  "a result of another job": [2, 1],
  "many results": [1, 1, 1, 1],
  "a result of nothing": [],
  "a sparse list": sparse(),
  "an ending of another job": {
    kind: "ended",
    seq: 5,
    ending: { kind: "timed-out" },
  },
  "no ending": { kind: "ended", seq: 1 },
  "an unknown ending": { kind: "ended", seq: 1, ending: { kind: "x" } },
  "an error of nothing": { kind: "crashed", error: null },
  "an error without a message": {
    kind: "crashed",
    error: { ...ERROR, message: {} },
  },
  "an error with a sparse list": {
    kind: "crashed",
    error: { ...ERROR, nested: sparse() },
  },
  "an error with sparse errors": {
    kind: "crashed",
    error: { ...ERROR, errors: sparse() },
  },
  "an error that is deep": { kind: "crashed", error: deepError() },
  "a connection": {
    kind: "ended",
    seq: 1,
    ending: {
      kind: "value",
      value: {},
      moved: [[{}, { kind: "connection", id: -1 }]],
    },
  },
  "a stream of main's": {
    kind: "ended",
    seq: 1,
    ending: {
      kind: "value",
      value: {},
      moved: [[{}, { kind: "readable", id: 1, credit: 0 }]],
    },
  },
  "a stream with too much credit": {
    kind: "ended",
    seq: 1,
    ending: {
      kind: "value",
      value: {},
      moved: [[{}, { kind: "readable", id: -1, credit: 2 * WINDOW }]],
    },
  },
  "half an event": { kind: "flow", events: [-1, FlowEvent.END] },
  "sparse events": { kind: "flow", events: sparse() },
  "shared memory": { kind: "flow", events: [0, FlowEvent.BLOCKS, {}] },
  "an event of no channel": { kind: "flow", events: [0, FlowEvent.ENDED, 1] },
  "credit for nothing": {
    kind: "flow",
    events: [1, FlowEvent.CREDIT, 2 * WINDOW],
  },
  "credit without end": {
    kind: "flow",
    events: [1, FlowEvent.CREDIT, Infinity],
  },
  "credit that is less than nothing": {
    kind: "flow",
    events: [1, FlowEvent.CREDIT, -1],
  },
};

for (const [what, message] of Object.entries(TAKEN)) {
  Deno.test(`Checker.check() takes ${what}`, () => {
    assertEquals(makeChecker().check(message) as unknown, message);
  });
}

for (const [what, message] of Object.entries(HOSTILE)) {
  Deno.test(`Checker.check() refuses ${what}`, () => {
    assertThrows(() => makeChecker().check(message), Error, "expected");
  });
}

Deno.test("Checker.check() refuses a process that is ready twice", () => {
  const checker = makeChecker();
  checker.check({ kind: "ready" });
  assertThrows(() => checker.check({ kind: "ready" }));
});

Deno.test("Checker.check() refuses chunks for which there is no credit, and takes those that were let come", () => {
  const checker = makeChecker();
  const data = {
    kind: "flow",
    events: [-1, FlowEvent.DATA, new Uint8Array(WINDOW)],
  };
  checker.check(data);
  assertThrows(() => checker.check(data));
  const other = makeChecker();
  other.check(data);
  other.told([-1, FlowEvent.CREDIT, 1]);
  other.check(data);
  assertThrows(() => other.check(data));
});

Deno.test("Checker.check() refuses to keep much for streams that never come", () => {
  const checker = makeChecker();
  const chunk = new Uint8Array(WINDOW);
  assertThrows(() => {
    for (let id = -1; id > -1_000; id--) {
      checker.check({ kind: "flow", events: [id, FlowEvent.DATA, chunk] });
    }
  });
});

const USELESS: Record<string, unknown> = {
  "messages that say nothing": { kind: "grown" },
  "results that are told of again": [0, 1],
  "events of nothing": { kind: "flow", events: [] },
  "credit of nothing": { kind: "flow", events: [1, FlowEvent.CREDIT, 0] },
  "ends": { kind: "flow", events: [1, FlowEvent.END, undefined] },
  "streams of a job that has ended": {
    kind: "ended",
    seq: 0,
    ending: {
      kind: "value",
      value: {},
      moved: [[{}, { kind: "readable", id: -1, credit: 0 }]],
    },
  },
};

for (const [what, message] of Object.entries(USELESS)) {
  Deno.test(`Checker.check() refuses to hear ${what} for ever, but hears more for each job`, () => {
    const taken = (jobs: number) => {
      const checker = makeChecker();
      for (let i = 0; i < jobs; i++) checker.sent(0);
      let count = 0;
      assertThrows(() => {
        for (; count < 100_000; count++) checker.check(message);
      });
      return count;
    };
    assertEquals([taken(0), taken(1)], [10_000, 11_000]);
  });
}

Deno.test("Checker.check() refuses more streams in a result than main could keep the chunks of", () => {
  const moved = Array.from({ length: 65 }, (_, i) => {
    return [{}, { kind: "readable", id: -1 - i, credit: 0 }];
  });
  const result = (moved: unknown[]) => ({
    kind: "ended",
    seq: 1,
    ending: { kind: "value", value: {}, moved },
  });
  makeChecker().check(result(moved.slice(1)));
  assertThrows(
    () => makeChecker().check(result(moved)),
    Error,
    "fewer streams",
  );
});

Deno.test("checkText() refuses texts of many objects or strings, and takes long strings", () => {
  const check = (value: string) => checkText(text(value), 4_000);
  const objects = (count: number) => `[${"{},".repeat(count)}{}]`;
  const strings = (count: number) => `[${'"",'.repeat(count)}""]`;
  check(objects(998));
  assertThrows(() => check(objects(1_400)), RangeError, "too many objects");
  check(strings(1_900));
  assertThrows(() => check(strings(2_100)), RangeError, "too many objects");
  check(JSON.stringify(['{"\\[['.repeat(10_000), "{".repeat(10_000)]));
});

Deno.test("decodeClone() refuses a clone that is too long, large buffers aside", () => {
  const bytes = encodeClone(new Uint8Array(100_000));
  assertEquals(
    decodeClone(bytes.clone, bytes.buffers as Uint8Array<ArrayBuffer>[], 1_000),
    new Uint8Array(100_000),
  );
  const maps = encodeClone(Array.from({ length: 1_000 }, () => new Map()));
  assertThrows(
    () => decodeClone(maps.clone, [], 1_000),
    RangeError,
    "may take 1000",
  );
});
