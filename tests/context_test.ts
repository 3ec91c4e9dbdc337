// Tests of async context: which `AsyncLocalStorage` store code sees.
import { assertEquals } from "@std/assert";
import { AsyncLocalStorage } from "node:async_hooks";
import type { ThreadPool, ThreadPoolOptions } from "@spindle/thread-pool";
import { store } from "./fixtures/context.ts";
import type * as jobs from "./fixtures/context.ts";
import { ALL_KINDS, type AnyKind, numbersTo, reasonOf } from "./kinds.ts";
import { poolOf, test } from "./pools.ts";

type Pool = ThreadPool<typeof jobs>;

const makePool = (options: ThreadPoolOptions): Pool =>
  poolOf<typeof jobs>("context", { abortGrace: 10_000, ...options });

/** Starts a job that listens for its abort. */
function startListening(pool: Pool) {
  const stop = new AbortController();
  const { readable, writable } = new TransformStream();
  const isListening = readable.getReader().closed;
  const ended = reasonOf(pool.execute("listen", [writable], stop));
  return { ended, stop, isListening };
}

/** Declares a test for each kind of pool, with and without concurrency. */
function eachPool(
  name: string,
  fn: (make: () => Pool, concurrency: number) => Promise<void>,
): void {
  for (const kind of Object.keys(ALL_KINDS) as AnyKind[]) {
    for (const concurrency of [1, 4]) {
      test(`${name} (${kind}, concurrency ${concurrency})`, async () => {
        await fn(
          () => makePool({ ...ALL_KINDS[kind], concurrency }),
          concurrency,
        );
      });
    }
  }
}

eachPool(
  "a handler's store is visible to what the handler calls, and to no other job",
  async (make) => {
    await using pool = make();
    const seen = await Promise.all(
      numbersTo(12).map((i) => {
        return pool.execute("seeWithin", [i, i % 4]);
      }),
    );
    for (const [i, what] of seen.entries()) {
      assertEquals(what, [undefined, i, i, i, i, undefined]);
    }
    const later = numbersTo(8).map((i) => pool.execute("seeLater", [i % 3]));
    assertEquals(await Promise.all(later), numbersTo(8).map(() => undefined));
  },
);

eachPool(
  "a store that a handler enters with enterWith() ends with its job",
  async (make) => {
    await using pool = make();
    assertEquals(await pool.execute("enter", [1]), 1);
    assertEquals(await pool.execute("see"), undefined);
    assertEquals(await pool.execute("enterLater", [2, 1]), 2);
    await reasonOf(pool.execute("enterAndFail", [3]));
    const results = await Promise.all([
      pool.execute("enter", [4]),
      pool.execute("see"),
      pool.execute("enterLater", [5, 2]),
      pool.execute("see"),
      pool.execute("enterLater", [6, 1]),
      pool.execute("seeLater", [1]),
      pool.execute("see"),
    ]);
    const none = undefined;
    assertEquals(results, [4, none, 5, none, 6, none, none]);
  },
);

eachPool(
  "a handler does not see its caller's store, and the caller keeps it",
  async (make) => {
    await using pool = make();
    await store.run("caller", async () => {
      const [now, later] = [pool.execute("see"), pool.execute("seeLater", [1])];
      assertEquals(store.getStore(), "caller");
      assertEquals(await now, undefined);
      assertEquals(store.getStore(), "caller");
      assertEquals(await later, undefined);
      await pool.ready();
      await pool.drain();
      assertEquals(store.getStore(), "caller");
      await later.then(() => assertEquals(store.getStore(), "caller"));
    });
    const results = await Promise.all(
      numbersTo(20).map((i) => {
        return store.run(i, async () => {
          await pool.execute("seeLater", [i % 3]);
          return store.getStore();
        });
      }),
    );
    assertEquals(results, numbersTo(20));
  },
);

eachPool(
  "a pool's listeners see no caller's store, unless they are bound to one",
  async (make) => {
    const types = [
      "workerstart",
      "jobstart",
      "jobend",
      "drain",
      "workerstop",
    ] as const;
    const seen: Record<string, Set<unknown>> = {};
    const bound = new Set<unknown>();
    await store.run("maker", async () => {
      await using pool = make();
      for (const type of types) {
        const stores = seen[type] = new Set();
        pool.addEventListener(type, () => stores.add(store.getStore()));
        const look = AsyncLocalStorage.bind(() => bound.add(store.getStore()));
        pool.addEventListener(type, look);
      }
      await store.run("first", () => pool.execute("seeLater", [1]));
      const { ended, stop, isListening } = store.run("second", () => {
        return startListening(pool);
      });
      await isListening;
      store.run("third", () => stop.abort());
      await ended;
    });
    const none = new Set([undefined]);
    assertEquals(seen, Object.fromEntries(types.map((type) => [type, none])));
    assertEquals(bound, new Set(["maker"]));
  },
);

eachPool(
  "an abort listener in a job has currentJob(), and not the caller's store",
  async (make) => {
    await using pool = make();
    const { ended, stop, isListening } = startListening(pool);
    await isListening;
    store.run("caller", () => stop.abort());
    await ended;
    assertEquals(await pool.execute("whatWasHeard"), ["listen", undefined]);
  },
);

test("a job that runs in its caller's thread does not see the caller's store", async () => {
  const queue = { capacity: 0, whenFull: "caller-runs" } as const;
  await using pool = makePool({ queue });
  const workerIds: unknown[] = [];
  pool.addEventListener("jobend", ({ detail }) => {
    workerIds.push(detail.workerId);
  });
  const held = pool.execute("seeLater", [100]);
  const here = store.run("caller", () => pool.execute("see"));
  assertEquals(await here, undefined);
  assertEquals(await held, undefined);
  assertEquals(workerIds, [0, 1]);
});
