// map() and transform(): unusual items, results and ends.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertLessOrEqual,
  assertMatch,
} from "@std/assert";
import { delay } from "@std/async";
import {
  JobCloneError,
  PoolTerminatedError,
  QueueFullError,
  ThreadPool,
} from "@spindle/thread-pool";
import { currentJob } from "@spindle/thread-pool/worker";
import { Gate } from "./gate.ts";
import { makePool, numbersTo, reasonOf, turns } from "./kinds.ts";
import { eachRow, test } from "./pools.ts";
import { runScript } from "./script.ts";

const collect = { onError: "collect" } as const;

/** Returns the index and reason of each rejected result. */
function rejections(results: PromiseSettledResult<unknown>[]) {
  return results.flatMap((result, i) =>
    result.status === "rejected" ? [{ i, error: result.reason }] : []
  );
}

test("map() rejects only the item that cannot be read, with any window", async () => {
  await using pool = new ThreadPool(1);
  const items = () => {
    const bad = Object.defineProperty({}, "x", {
      enumerable: true,
      get() {
        throw new Error("unreadable");
      },
    });
    return [0, 1, bad, 3, 4, 5];
  };
  async function* later() {
    yield* items();
  }
  await eachRow({
    "a small window": { items: items(), window: 2 },
    "a large window": { items: items(), window: 100 },
    "an asynchronous source": { items: later(), window: 100 },
  }, async ({ items, window }) => {
    const options = { ...collect, window };
    const results = pool.map((item: unknown) => typeof item, items, options);
    const all = await Array.fromAsync(results);
    const [{ i, error }] = rejections(all);
    assertEquals([all.length, i], [6, 2]);
    assertInstanceOf(error, JobCloneError);
  });
});

test("map() rejects only the item whose result cannot be sent, even if items share jobs", async () => {
  const odd = {
    "a `then` that cannot be read": {
      make: () =>
        Object.defineProperty({}, "then", {
          get() {
            throw new Error("no then");
          },
        }),
      rejected: 1,
      isolation: "thread",
    },
    "a value that can be read only once": {
      make: () => {
        let left = 1;
        return Object.defineProperty({ map: new Map() }, "x", {
          enumerable: true,
          get() {
            if (left-- > 0) return 42;
            throw new Error("only once");
          },
        });
      },
      rejected: 0,
      isolation: "thread",
    },
    "shared memory, in a process": {
      make: () => new SharedArrayBuffer(1),
      rejected: 1,
      isolation: "process",
    },
  } as const;
  await eachRow(odd, async ({ make, rejected, isolation }) => {
    await using pool = new ThreadPool({ size: 1, isolation });
    const source = `const make = ${make}; return n === 700 ? make() : n;`;
    const job = new Function("n", source) as (n: number) => unknown;
    const results = pool.map(job, numbersTo(1000), collect);
    const failed = rejections(await Array.fromAsync(results));
    assertEquals(failed.map(({ i }) => i), rejected === 0 ? [] : [700]);
  });
});

test("map() lets small items share jobs even with a large window", async () => {
  await using pool = makePool();
  const window = 10_000;
  const results = pool.map("echo", numbersTo(window), { window });
  assertEquals(await Array.fromAsync(results), numbersTo(window));
  assertLess(pool.stats().completed, window / 5);
});

test("map() collects the error of its last item while the pool closes", async () => {
  await using pool = makePool();
  const door = new AbortController();
  const job = async (signal: AbortSignal) => {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    throw new RangeError("the last");
  };
  const results = pool.map(job, [door.signal], collect);
  const first = results.next();
  while (pool.stats().running === 0) await turns();
  const closed = pool.close();
  door.abort();
  const { value } = await first;
  assertEquals(value.status, "rejected");
  assertInstanceOf(value.reason, RangeError);
  assertEquals((await results.next()).done, true);
  await closed;
});

test("map() does not take room that ready() has promised to another caller", async () => {
  await using pool = makePool({
    size: 2,
    queue: { capacity: 2, whenFull: "reject" },
  });
  function* numbers() {
    for (let i = 0;; i++) yield i;
  }
  // Items after an error in a shared job are sent again.
  const job = (n: number) => {
    if (n % 5 === 0) throw new RangeError("failed");
  };
  const results = pool.map(job, numbers(), collect);
  const read = (async () => {
    for await (const _ of results);
  })();
  const errors: unknown[] = [];
  for (let i = 0; i < 300; i++) {
    await pool.ready();
    pool.execute("echo", [i]).catch((error) => errors.push(error));
  }
  await results.return!();
  await read;
  assert(!errors.some((error) => error instanceof QueueFullError));
  assertEquals(errors, []);
});

test("map() uses workers that resize() adds while it runs", async () => {
  await using pool = new ThreadPool(1);
  const door = new AbortController();
  const job = (signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      if (signal.aborted) resolve();
      else signal.addEventListener("abort", () => resolve());
    });
  const items = new Array(8).fill(door.signal);
  const results = Array.fromAsync(pool.map(job, items));
  while (pool.stats().running < 1) await turns();
  pool.resize(3);
  while (pool.stats().running < 3) await turns();
  door.abort();
  assertEquals((await results).length, 8);
});

test("map() releases items whose results have arrived, and a signal releases a transform() that has failed", async () => {
  const { code, stdout, stderr } = await runScript(
    "scripts/map_items.ts",
    "-A",
    "--v8-flags=--expose-gc",
  );
  assertEquals([code, stderr], [0, ""]);
  const [items, streams] = stdout.split("\n").map(Number);
  assertLessOrEqual(items, 2);
  assertLessOrEqual(streams, 2);
});

test("map() isolates the AsyncLocalStorage context of each item", async () => {
  await using pool = new ThreadPool(1);
  const job = async (n: number) => {
    const { AsyncLocalStorage } = await import("node:async_hooks");
    const shared = globalThis as {
      storage?: InstanceType<typeof AsyncLocalStorage>;
    };
    const storage = shared.storage ??= new AsyncLocalStorage();
    const seen = storage.getStore();
    storage.enterWith(n);
    return seen ?? "nothing";
  };
  await pool.execute(job, [0]);
  const next = (n: number) => {
    const { storage } = globalThis as unknown as {
      storage: { getStore(): unknown; enterWith(store: unknown): void };
    };
    const seen = storage.getStore();
    storage.enterWith(n);
    return seen ?? "nothing";
  };
  const seen = await Array.fromAsync(pool.map(next, numbersTo(500)));
  assertEquals([...new Set(seen)], ["nothing"]);
  assertLess(pool.stats().completed, 250);
});

test("map() closes or cancels pulled items on abort, including items without a job", async () => {
  await using pool = new ThreadPool(1);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  for (const last of ["connection", "stream"]) {
    const clients: Deno.Conn[] = [];
    let canceled = 0;
    let asked = 0;
    const connection = async () => {
      clients.push(await Deno.connect({ hostname: "127.0.0.1", port }));
      return await listener.accept();
    };
    const items = async function* () {
      yield 0;
      // These items get jobs; the next item gets none.
      for (; asked < 4; asked++) yield await connection();
      yield last === "stream"
        ? new ReadableStream({ cancel: () => void canceled++ })
        : await connection();
      await new Promise(() => {});
    };
    const stop = new AbortController();
    const { signal } = stop;
    const job = (item: unknown) => item === 0 ? 0 : new Promise(() => {});
    const results = pool.map(job, items(), { window: 20, signal });
    await results.next();
    const second = results.next();
    while (asked < 4) await delay(5);
    await turns();
    stop.abort("enough");
    assertEquals(await reasonOf(second), "enough");
    for (const client of clients) {
      // Reset or closed, but not open.
      await client.read(new Uint8Array(1)).catch(() => null);
      client.close();
    }
    assertEquals(canceled, last === "stream" ? 1 : 0);
  }
});

test("map() releases an item that waits for room when the pool closes", async () => {
  const pool = new ThreadPool({ size: 1, queue: { capacity: 0 } });
  const stop = new AbortController();
  const busy = pool.execute(
    (signal: AbortSignal) =>
      new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve());
      }),
    [stop.signal],
  );
  const canceled = Promise.withResolvers<void>();
  const stream = new ReadableStream({ cancel: () => canceled.resolve() });
  const results = pool.map((_: unknown) => 0, [stream], { window: 10 });
  const first = results.next();
  await turns();
  const closed = pool.close();
  await reasonOf(first);
  stop.abort();
  await Promise.all([busy, closed]);
  // If the stream was not pulled, it still belongs to the caller.
  if (stream.locked) await canceled.promise;
});

test("map() holds no more than 16 MiB of waiting items, with any window", async () => {
  await using pool = new ThreadPool({ size: 1, concurrency: 4 });
  using gate = new Gate();
  let pulled = 0;
  function* items() {
    while (pulled < 40) {
      // The first item ends at once: its result shows how large results are.
      const key = pulled++ > 0 ? gate.key : undefined;
      yield { key, buffer: new ArrayBuffer(2 ** 21) };
    }
  }
  const job = async ({ key }: { key?: SharedArrayBuffer }) => {
    if (key === undefined) return;
    const words = new Int32Array(key);
    Atomics.add(words, 0, 1);
    Atomics.notify(words, 0);
    await Atomics.waitAsync(words, 1, 0).value;
  };
  const all = Array.fromAsync(pool.map(job, items(), { window: 40 }));
  await gate.arrived(4);
  for (let before = 0; before !== pulled;) {
    before = pulled;
    await turns();
  }
  // The first item, and 8 items of 2 MiB that wait or run.
  assertEquals(pulled, 9);
  gate.open();
  assertEquals((await all).length, 40);
});

test("map() never finds the queue full, even if other calls use the room that it waited for", async () => {
  for (const whenFull of ["reject", "discard-oldest", "caller-runs"] as const) {
    await using pool = new ThreadPool({
      size: 1,
      queue: { capacity: 0, whenFull },
    });
    let isOver = false;
    const others = (async () => {
      const execute = () => pool.execute((n: number) => n, [0]);
      while (!isOver) {
        await execute().then(execute).catch(() => {});
        await turns();
      }
    })();
    const where = (_: number) => currentJob()!.workerId;
    const seen = await Array.fromAsync(pool.map(where, numbersTo(50)));
    isOver = true;
    await others;
    assertEquals([...new Set(seen)], [1], whenFull);
  }
});

test("map() rejects on terminate() even if its source does not return", async () => {
  await using pool = new ThreadPool(1);
  const hangs = Promise.withResolvers<void>();
  async function* items() {
    try {
      yield 0;
      yield 1;
    } finally {
      await hangs.promise;
    }
  }
  const job = () => new Promise(() => {});
  const first = pool.map(job, items(), { window: 1 }).next();
  while (pool.stats().running === 0) await turns();
  pool.terminate();
  assertInstanceOf(await reasonOf(first), PoolTerminatedError);
  hangs.resolve();
});

test("map() counts failed items as failed jobs, and dispatches jobend for each", async () => {
  await using pool = new ThreadPool(1);
  const errors: unknown[] = [];
  pool.addEventListener("jobend", ({ detail }) => {
    if (!detail.ok) errors.push(detail.error);
  });
  const job = (n: number) => {
    if (n % 10 === 9) throw new RangeError(`no ${n}`);
    return n;
  };
  const results = pool.map(job, numbersTo(500), collect);
  assertEquals(rejections(await Array.fromAsync(results)).length, 50);
  await pool.drain();
  assertEquals([pool.stats().failed, errors.length], [50, 50]);
  assertMatch(String(errors[0]), /RangeError: no \d*9$/);
});

test("a yielded or reported value that cannot leave a process does not affect the values around it", async () => {
  await using pool = new ThreadPool({ size: 1, isolation: "process" });
  const values: unknown[] = [];
  const stream = pool.stream(function* () {
    yield* [0, 1, 2];
    yield new SharedArrayBuffer(1);
  });
  const error = await reasonOf((async () => {
    for await (const value of stream) values.push(value);
  })());
  assertEquals(values, [0, 1, 2]);
  assertInstanceOf(error, JobCloneError);
  let last: unknown;
  const told = await pool.execute(
    () => {
      const job = currentJob()!;
      job.report(1);
      let message = "";
      try {
        job.report(new SharedArrayBuffer(1));
      } catch (error) {
        message = (error as Error).message;
      }
      job.report(2);
      return message;
    },
    [],
    { onProgress: (value) => last = value },
  ).catch(reasonOf);
  assertMatch(String(told), /SharedArrayBuffer/);
  assertEquals(last, 2);
});
