// Large arguments and results: few are on their way at once, and each is sent once.
import {
  assert,
  assertEquals,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import { setImmediate } from "node:timers";
import { JobCloneError, ThreadPool, transfer } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

/** More bytes than are sent ahead. */
const LARGE = 2 * 2 ** 20;

/** Counts the messages to workers that hold something which `isCounted`. */
function watchMessages(isCounted: (message: unknown) => boolean) {
  const { prototype } = Worker;
  const { postMessage } = prototype;
  const started = new Int32Array(new SharedArrayBuffer(4));
  const counts = { sent: 0, mostUnread: 0, started };
  prototype.postMessage = function (message: unknown, ...rest: unknown[]) {
    if (isCounted(message)) {
      const unread = ++counts.sent - Atomics.load(started, 0);
      counts.mostUnread = Math.max(counts.mostUnread, unread);
    }
    return Reflect.apply(postMessage, this, [message, ...rest]);
  };
  return Object.assign(counts, {
    [Symbol.dispose]: () => void (prototype.postMessage = postMessage),
  });
}

function holds(message: unknown, isIt: (value: unknown) => boolean): boolean {
  return isIt(message) ||
    Array.isArray(message) && message.some((item) => holds(item, isIt));
}

function isLargeBytes(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === LARGE;
}

for (const size of [1, 2]) {
  poolTest(
    `ThreadPool.execute() has at most two large payloads on their way to a worker (${size})`,
    async () => {
      await using pool = new ThreadPool(size);
      for (let i = 0; i < 100; i++) await pool.execute(() => 1); // so jobs are sent ahead
      using counts = watchMessages((message) => holds(message, isLargeBytes));
      const bytes = new Uint8Array(LARGE).fill(7);
      const count = (bytes: Uint8Array, started: Int32Array) => {
        Atomics.add(started, 0, 1);
        return bytes[0];
      };
      const results = await Promise.all(
        Array.from(
          { length: 30 },
          () => pool.execute(count, [bytes, counts.started]),
        ),
      );
      assertEquals(results, Array(30).fill(7));
      assertLessOrEqual(counts.mostUnread, 2 * size);
      assertEquals(counts.sent, 30);
    },
  );
}

poolTest(
  "ThreadPool.execute() sends what a worker reads for long but once, and small jobs go elsewhere",
  async () => {
    await using pool = new ThreadPool(2);
    await Promise.all([1, 2].map((i) => pool.execute((i: number) => i, [i])));
    using counts = watchMessages((message) =>
      holds(message, (value) => value instanceof Map)
    );
    const map = new Map(
      Array.from({ length: 700_000 }, (_, i) => [`k${i}`, i]),
    );
    const bytes = transfer(new Uint8Array(10));
    const large = pool.execute(
      (map: Map<string, number>, bytes: Uint8Array) => map.size + bytes.length,
      [map, bytes],
    );
    const small = Array.from(
      { length: 20 },
      (_, i) => pool.execute((i: number) => i, [i]),
    );
    assertEquals(
      await Promise.all(small),
      Array.from({ length: 20 }, (_, i) => i),
    );
    assertEquals(await large, 700_010);
    assertEquals(counts.sent, 1);
  },
);

poolTest(
  "ThreadPool.execute() clones large arguments in turns of their own",
  async () => {
    await using pool = new ThreadPool(2);
    await Promise.all([1, 2].map((i) => pool.execute((i: number) => i, [i])));
    let turn = 0;
    const turns: number[] = [];
    const countTurns = () => {
      turn++;
      if (turns.length < 6) setImmediate(countTurns);
    };
    setImmediate(countTurns);
    using _ = watchMessages((message) => {
      const isLarge = holds(message, (value) => value instanceof Map);
      if (isLarge) turns.push(turn);
      return isLarge;
    });
    const map = new Map(
      Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i]),
    );
    const size = (map: Map<string, number>) => map.size;
    const sizes = Array.from({ length: 6 }, () => pool.execute(size, [map]));
    assertEquals(await Promise.all(sizes), Array(6).fill(100_000));
    assertEquals(new Set(turns).size, 6);
  },
);

poolTest(
  "a worker starts no job while two large results wait to be read",
  async () => {
    await using pool = new ThreadPool(1);
    for (let i = 0; i < 100; i++) await pool.execute(() => 1);
    const started = new Int32Array(new SharedArrayBuffer(4));
    const make = (started: Int32Array, length: number) => {
      Atomics.add(started, 0, 1);
      Atomics.notify(started, 0);
      return new Uint8Array(length);
    };
    const results = Array.from(
      { length: 10 },
      () => pool.execute(make, [started, LARGE]),
    );
    await Promise.resolve().then(() => Promise.resolve()); // they are sent
    // Main reads nothing while it waits here.
    while (Atomics.wait(started, 0, Atomics.load(started, 0), 200) === "ok");
    assertLessOrEqual(Atomics.load(started, 0), 2);
    const lengths = (await Promise.all(results)).map(({ length }) => length);
    assertEquals(lengths, Array(10).fill(LARGE));
  },
);

poolTest("long texts and many values arrive whole, both ways", async () => {
  await using pool = new ThreadPool({ size: 2, timeout: 15_000 });
  const echo = (value: unknown) => value;
  const values = [
    "é".repeat(3_000_000),
    Array.from({ length: 500_000 }, (_, i) => i + 0.5),
    Array.from({ length: 50_000 }, (_, i) => ({ id: i, name: `row ${i}` })),
    new Set(Array.from({ length: 100_000 }, (_, i) => i)),
  ];
  const results = await Promise.all(
    values.map((value) => pool.execute(echo, [value])),
  );
  results.forEach((result, i) => assertEquals(result, values[i]));
});

poolTest("a buffer of 256 MiB goes there and back", async () => {
  await using pool = new ThreadPool(1);
  const bytes = new Uint8Array(256 * 2 ** 20);
  bytes[bytes.length - 1] = 5;
  const result = await pool.execute((bytes: Uint8Array) => bytes, [bytes]);
  assertEquals([result.length, result.at(-1), bytes.at(-1)], [
    bytes.length,
    5,
    5,
  ]);
  assert(bytes.buffer !== result.buffer);
});

poolTest(
  "large buffers stay the caller's, wherever they sit, and arrive as they were sent",
  async () => {
    await using pool = new ThreadPool(2);
    const bytes = new Uint8Array(300_000).fill(1);
    const floats = new Float64Array(50_000).fill(0.5);
    const { buffer } = new Uint16Array(100_000).fill(9);
    const value = {
      bytes,
      again: bytes,
      list: [floats, new Map([["buffer", buffer]])],
      part: bytes.subarray(10, 200_010),
      view: new DataView(buffer, 2, 100_000),
      small: new Uint8Array([1, 2, 3]),
    };
    const echo = <T>(value: T) => value;
    const copies = await Promise.all(
      Array.from({ length: 4 }, () => pool.execute(echo, [value])),
    ) as (typeof value)[];
    for (const copy of copies) {
      assertEquals(copy, value);
      assertStrictEquals(copy.bytes, copy.again);
      assertStrictEquals(copy.part.buffer, copy.bytes.buffer);
      assertStrictEquals(
        copy.view.buffer,
        (copy.list[1] as Map<string, ArrayBuffer>).get("buffer"),
      );
    }
    assertEquals([bytes.length, floats.length, buffer.byteLength], [
      300_000,
      50_000,
      200_000,
    ]);
    const [one, other] = await Promise.all([1, 2].map(() => {
      return pool.execute(echo, [floats]);
    }));
    assertEquals([one, other], [floats, floats]);
  },
);

poolTest(
  "a large buffer that a handler keeps stays the handler's",
  async () => {
    await using pool = new ThreadPool(1);
    const keep = (length: number) => {
      const scope = globalThis as { kept?: Uint8Array };
      scope.kept ??= new Uint8Array(length).fill(3);
      return scope.kept;
    };
    for (let i = 0; i < 3; i++) {
      const bytes = await pool.execute(keep, [200_000]);
      assertEquals([bytes.length, bytes[199_999]], [200_000, 3]);
    }
  },
);

poolTest(
  "a long array arrives with its holes and properties, or is refused before anything moves",
  async () => {
    await using pool = new ThreadPool(1);
    const list: unknown[] = Array.from({ length: 150_000 }, (_, i) => i);
    delete list[7];
    const echo = (value: unknown) => value;
    const result = await pool.execute(echo, [
      Object.assign(list.slice(), { extra: "x" }),
    ]) as unknown[] & { extra: string };
    assertEquals([result.length, 7 in result, result[8], result.extra], [
      150_000,
      false,
      8,
      "x",
    ]);
    const buffer = transfer(new ArrayBuffer(8));
    const bad = Object.assign(list.slice(), { extra: () => {} });
    await assertRejects(() => pool.execute(echo, [bad]), JobCloneError);
    await assertRejects(
      () => pool.execute(echo, [{ buffer, bad }]),
      JobCloneError,
      "args[0].bad (Array) cannot be cloned",
    );
    assertEquals(buffer.byteLength, 8);
  },
);
