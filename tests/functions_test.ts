// The functions of a pool: how long each is kept, and modules with odd exports.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { JobNotFoundError, ThreadPool } from "@spindle/thread-pool";
import {
  FunctionTable,
  KnownFunctions,
  type PoolFunction,
} from "../src/job/functions.ts";
import { poolTest } from "./live_workers.ts";

/** A function of a source that no other has. */
function distinct(i: number): () => number {
  return new Function(`return ${i}`) as () => number;
}

/** What a table's microtask does is done. */
const swept = () => Promise.resolve();

function use(table: FunctionTable, fn: PoolFunction): PoolFunction {
  table.begin(fn);
  table.end(fn);
  return fn;
}

Deno.test("FunctionTable keeps at most 2 000 functions without jobs", async () => {
  const table = new FunctionTable();
  const all: PoolFunction[] = [];
  for (let i = 0; i < 5_000; i++) {
    all.push(use(table, table.inline(distinct(i))));
    all.push(table.named(`name${i}`));
    await swept();
    assert(i % 500 > 0 || all.filter((fn) => fn.isKept).length <= 2_000);
  }
  assert(all.filter((fn) => fn.isKept).length <= 2_000);
  assert(all.at(-2)!.isKept, "the newest is forgotten");
  assert(
    Math.max(...all.map(({ id }) => id)) <= 2_001,
    "ids are not used again",
  );
});

Deno.test("FunctionTable keeps each function that has jobs", async () => {
  const table = new FunctionTable();
  const busy: PoolFunction[] = [];
  for (let i = 0; i < 3_000; i++) {
    const fn = table.inline(distinct(i));
    table.begin(fn);
    busy.push(fn);
  }
  for (let i = 3_000; i < 9_000; i++) {
    use(table, table.inline(distinct(i)));
    await swept();
  }
  assertEquals(busy.every((fn) => fn.isKept), true);
  assertEquals(new Set(busy.map(({ id }) => id)).size, busy.length);
});

Deno.test("FunctionTable knows a function again that it has forgotten", async () => {
  const table = new FunctionTable();
  const fn = () => 1;
  const first = use(table, table.inline(fn));
  for (let i = 0; i < 3_000; i++) use(table, table.inline(distinct(i)));
  await swept();
  assertEquals(first.isKept, false);
  const again = table.inline(fn);
  assertEquals([again.isKept, again.source], [true, first.source]);
  assertEquals(table.inline(fn), again);
});

Deno.test("KnownFunctions tells a worker what it lacks, and what to forget", async () => {
  const table = new FunctionTable();
  const known = new KnownFunctions(table);
  const a = use(table, table.named("a"));
  assertEquals(known.newsFor([{ fn: a }, { fn: a }])!.definitions.length, 1);
  assertEquals(known.newsFor([{ fn: a }]), undefined);
  for (let i = 0; i < 3_000; i++) use(table, table.inline(distinct(i)));
  await swept();
  const b = table.named("b");
  const news = known.newsFor([{ fn: b }])!;
  assertEquals(news.forgotten, [a.id]);
  assertEquals(news.definitions.map(({ name }) => name), ["b"]);
});

poolTest(
  "functions that are forgotten run again, and in between each job has its own",
  async () => {
    await using pool = new ThreadPool(2);
    const same = () => "same";
    for (let round = 0; round < 3; round++) {
      const results = await Promise.all(
        Array.from({ length: 3_000 }, (_, i) => pool.execute(distinct(i))),
      );
      assertEquals(results.every((result, i) => result === i), true);
      assertEquals(await pool.execute(same), "same");
    }
  },
);

poolTest(
  "a queued job keeps its function, however many others come and go",
  async () => {
    await using pool = new ThreadPool({ size: 1, concurrency: 2 });
    const gate = new BroadcastChannel("functions_test");
    const held = pool.execute(() => {
      const gate = new BroadcastChannel("functions_test");
      return new Promise<string>((resolve) => {
        gate.onmessage = () => resolve("held");
        gate.postMessage("waits");
      }).finally(() => gate.close());
    });
    await new Promise((resolve) => gate.onmessage = resolve);
    for (let i = 0; i < 5_000; i += 500) {
      await Promise.all(
        Array.from({ length: 500 }, (_, j) => pool.execute(distinct(i + j))),
      );
    }
    gate.postMessage("open");
    assertEquals(await held, "held");
    gate.close();
  },
);

poolTest(
  "unknown names are refused by name, however many there were",
  async () => {
    const module = "data:text/javascript,export const f = () => 1";
    await using pool = new ThreadPool<Record<string, () => number>>({
      module,
      size: 1,
    });
    for (let i = 0; i < 5_000; i += 1_000) {
      const results = await Promise.allSettled(
        Array.from({ length: 1_000 }, (_, j) => pool.execute(`no${i + j}`)),
      );
      results.forEach((result, j) => {
        assert(result.status === "rejected");
        assert(result.reason instanceof JobNotFoundError);
        assert(result.reason.message.includes(`"no${i + j}"`));
      });
    }
    assertEquals(await pool.execute("f"), 1);
  },
);

for (
  const then of [
    "export function then() {}",
    "export const then = (resolve) => resolve({ f: () => 2 })",
    "export function then(_, reject) { reject(new Error()); }",
    "export const then = 1",
  ]
) {
  for (const hardKill of [false, true]) {
    poolTest(`a module may "${then}" (hardKill: ${hardKill})`, async () => {
      const source = `export const f = () => 1; ${then}`;
      const module = `data:text/javascript,${encodeURIComponent(source)}`;
      await using pool = new ThreadPool<Record<string, () => number>>({
        module,
        size: 1,
        hardKill,
      });
      assertEquals(await pool.execute("f"), 1);
    });
  }
}

poolTest(
  "a module that cannot be imported is told of without the pool's own URLs",
  async () => {
    const module = new URL("./no_such_module.ts", import.meta.url);
    await using pool = new ThreadPool({ module, size: 1 });
    const error = await assertRejects(() => pool.execute("f"), Error);
    assert(!error.message.includes("data:"), error.message);
    assert(error.message.includes(module.href), error.message);
  },
);
