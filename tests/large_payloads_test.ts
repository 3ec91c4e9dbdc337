// Tests of large arguments and results: few are in transit, and each is sent once.
import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { setImmediate } from "node:timers";
import { JobCloneError, ThreadPool, transfer } from "@spindle/thread-pool";
import { blockInline, Gate } from "./gate.ts";
import { turns } from "./kinds.ts";
import { poolTest } from "./live_workers.ts";

/** More bytes than are sent ahead. */
const LARGE = 2 * 2 ** 20;
const echo = <T>(value: T) => value;
const range = (length: number) => Array.from({ length }, (_, i) => i);
const mapOf = (size: number) => new Map(range(size).map((i) => [`k${i}`, i]));

/** Returns a pool whose workers have started, so that jobs are sent ahead. */
async function warmPool(size: number): Promise<ThreadPool> {
  const pool = new ThreadPool(size);
  await Promise.all(range(size).map((i) => pool.execute(echo, [i])));
  for (const i of range(100)) await pool.execute(echo, [i]);
  return pool;
}

function holds(message: unknown, isIt: (value: unknown) => boolean): boolean {
  return isIt(message) ||
    Array.isArray(message) && message.some((item) => holds(item, isIt));
}

const isMap = (value: unknown) => value instanceof Map;
const isLarge = (value: unknown) =>
  value instanceof Uint8Array && value.length === LARGE;

/** Counts the messages to workers that contain a value of a kind. */
function watchMessages(isIt: (value: unknown) => boolean, note = () => {}) {
  const { prototype } = Worker;
  const { postMessage } = prototype;
  const counts = { sent: 0 };
  prototype.postMessage = function (message: unknown, ...rest: unknown[]) {
    if (holds(message, isIt)) {
      counts.sent++;
      note();
    }
    return Reflect.apply(postMessage, this, [message, ...rest]);
  };
  return Object.assign(counts, {
    [Symbol.dispose]: () => void (prototype.postMessage = postMessage),
  });
}

for (const size of [1, 2]) {
  poolTest(
    `execute() has at most two large payloads in transit to each of ${size}`,
    async () => {
      await using pool = await warmPool(size);
      using counts = watchMessages(isLarge);
      const bytes = new Uint8Array(LARGE).fill(7);
      const count = (bytes: Uint8Array) => bytes[0];
      const results = range(30).map(() => pool.execute(count, [bytes]));
      assertEquals(await Promise.all(results), Array(30).fill(7));
      assertEquals(counts.sent, 30);
      using gate = new Gate();
      const held = range(30).map(() =>
        pool.execute(blockInline, [gate.key, bytes])
      );
      await gate.arrived(size);
      await turns();
      assertLessOrEqual(counts.sent, 30 + 2 * size);
      gate.open();
      await Promise.all(held);
    },
  );
}

poolTest(
  "execute() sends a large argument only once, and small jobs to another worker",
  async () => {
    await using pool = await warmPool(2);
    using counts = watchMessages(isMap);
    const bytes = transfer(new Uint8Array(10));
    const large = pool.execute(
      (map: Map<string, number>, bytes: Uint8Array) => map.size + bytes.length,
      [mapOf(300_000), bytes],
    );
    const small = range(20).map((i) => pool.execute(echo, [i]));
    assertEquals(await Promise.all(small), range(20));
    assertEquals(await large, 300_010);
    assertEquals(counts.sent, 1);
  },
);

poolTest("execute() clones large arguments in separate turns", async () => {
  await using pool = await warmPool(2);
  let turn = 0;
  const turns: number[] = [];
  const countTurns = () => {
    turn++;
    if (turns.length < 6) setImmediate(countTurns);
  };
  setImmediate(countTurns);
  using _ = watchMessages(isMap, () => turns.push(turn));
  const map = mapOf(50_000);
  const size = (map: Map<string, number>) => map.size;
  const sizes = range(6).map(() => pool.execute(size, [map]));
  assertEquals(await Promise.all(sizes), Array(6).fill(50_000));
  assertEquals(new Set(turns).size, 6);
});

poolTest(
  "execute() starts no job while two large results wait to be read",
  async () => {
    await using pool = await warmPool(1);
    const started = new Int32Array(new SharedArrayBuffer(4));
    const make = (started: Int32Array, length: number) => {
      Atomics.add(started, 0, 1);
      Atomics.notify(started, 0);
      return new Uint8Array(length);
    };
    const results = range(10).map(() => pool.execute(make, [started, LARGE]));
    await Promise.resolve().then(() => Promise.resolve()); // the jobs are sent
    // The main thread reads nothing while it waits here.
    while (Atomics.wait(started, 0, Atomics.load(started, 0), 100) === "ok");
    assertLessOrEqual(Atomics.load(started, 0), 2);
    const lengths = (await Promise.all(results)).map(({ length }) => length);
    assertEquals(lengths, Array(10).fill(LARGE));
  },
);

poolTest("execute() returns long texts and many values unchanged", async () => {
  await using pool = new ThreadPool({ size: 2, timeout: 15_000 });
  const text = "é".repeat(3_000_000);
  const numbers = range(200_000).map((i) => i + 0.5);
  const rows = range(10_000).map((id) => ({ id, name: `row ${id}` }));
  const set = new Set(range(50_000));
  const results = await Promise.all(
    [text, numbers, rows, set].map((value) => pool.execute(echo, [value])),
  );
  // Faster than a deep comparison.
  const seen = [...results.slice(0, 3), [...results[3] as typeof set]];
  const expected = [text, numbers, rows, [...set]];
  assert(JSON.stringify(seen) === JSON.stringify(expected));
  assert(results[3] instanceof Set);
});

poolTest("execute() carries a buffer of 256 MiB both ways", async () => {
  await using pool = new ThreadPool(1);
  const bytes = new Uint8Array(256 * 2 ** 20);
  bytes[bytes.length - 1] = 5;
  const result = await pool.execute((bytes: Uint8Array) => bytes, [bytes]);
  const seen = [result.length, result.at(-1), bytes.at(-1)];
  assertEquals(seen, [bytes.length, 5, 5]);
  assert(bytes.buffer !== result.buffer);
});

poolTest(
  "execute() leaves large buffers to the caller, wherever they are in the arguments",
  async () => {
    await using pool = new ThreadPool(2);
    const bytes = new Uint8Array(300_000).fill(1);
    const floats = new Float64Array(50_000).fill(0.5);
    const { buffer } = new Uint16Array(100_000).fill(9);
    const value = {
      bytes,
      again: bytes,
      list: [floats, new Map([["buffer", buffer]])] as const,
      part: bytes.subarray(10, 200_010),
      view: new DataView(buffer, 2, 100_000),
      small: new Uint8Array([1, 2, 3]),
    };
    const copies = await Promise.all([1, 2, 3].map(() => {
      return pool.execute((given: typeof value) => given, [value]);
    }));
    for (const copy of copies) {
      assertEquals(copy, value);
      assertStrictEquals(copy.bytes, copy.again);
      assertStrictEquals(copy.part.buffer, copy.bytes.buffer);
      assertStrictEquals(copy.view.buffer, copy.list[1].get("buffer"));
    }
    const sizes = [bytes.length, floats.length, buffer.byteLength];
    assertEquals(sizes, [300_000, 50_000, 200_000]);
  },
);

poolTest("execute() leaves a large buffer to its handler", async () => {
  await using pool = new ThreadPool(1);
  const keep = (length: number) => {
    const scope = globalThis as { kept?: Uint8Array };
    return scope.kept ??= new Uint8Array(length).fill(3);
  };
  for (let i = 0; i < 3; i++) {
    const bytes = await pool.execute(keep, [200_000]);
    assertEquals([bytes.length, bytes[199_999]], [200_000, 3]);
  }
});

poolTest(
  "execute() keeps a long array's holes and properties, or moves nothing",
  async () => {
    await using pool = new ThreadPool(1);
    const list: unknown[] = range(150_000);
    delete list[7];
    const result = await pool.execute(echo, [
      Object.assign(list.slice(), { extra: "x" }),
    ]) as unknown[] & { extra: string };
    const seen = [result.length, 7 in result, result[8], result.extra];
    assertEquals(seen, [150_000, false, 8, "x"]);
    const buffer = transfer(new ArrayBuffer(8));
    const bad = Object.assign(list.slice(), { extra: () => {} });
    await assertRejects(
      () => pool.execute(echo, [{ buffer, bad }]),
      JobCloneError,
      "args[0].bad.extra (function extra) cannot be cloned",
    );
    assertEquals(buffer.byteLength, 8);
  },
);

poolTest(
  "a large job does not overtake the jobs before it when its worker is blocked",
  async () => {
    await using pool = await warmPool(1);
    const order: number[] = [];
    using gate = new Gate();
    const held = pool.execute(blockInline, [gate.key]);
    const payloads = ["", "", "x".repeat(300_000), "", ""];
    const all = payloads.map(async (text, i) => {
      await pool.execute(echo, [text]);
      order.push(i);
    });
    await gate.arrived();
    // Meanwhile the main thread detects that the worker is blocked.
    await new Promise((done) => setTimeout(done, 50));
    gate.open();
    await Promise.all([held, ...all]);
    assertEquals(order, range(payloads.length));
  },
);
