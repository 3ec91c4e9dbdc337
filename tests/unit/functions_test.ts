// Tests how long a pool keeps each function, and which definitions a worker is sent.
import { assert, assertEquals } from "@std/assert";
import {
  FunctionTable,
  KnownFunctions,
  type PoolFunction,
} from "../../src/job/functions.ts";

/** Returns a function with a unique name. */
const distinct = (i: number) =>
  Object.defineProperty(() => 1, "name", { value: `inline${i}` });

function use(table: FunctionTable, fn: PoolFunction): PoolFunction {
  table.begin(fn);
  table.end(fn);
  return fn;
}

/** Uses this many other functions, and lets the table forget. */
async function useOthers(table: FunctionTable, count: number, from = 0) {
  const all: PoolFunction[] = [];
  for (let i = from; i < from + count; i++) {
    all.push(use(table, table.inline(distinct(i))));
    all.push(use(table, table.named(`name${i}`)));
    await undefined;
  }
  return all;
}

Deno.test("FunctionTable keeps the newest 1 000 to 2 000 functions without jobs, and reuses ids", async () => {
  const table = new FunctionTable();
  const all: PoolFunction[] = [];
  for (let i = 0; i < 6; i++) {
    all.push(...await useOthers(table, 500, i * 500));
    const { length } = all.filter((fn) => fn.isKept);
    assert(length >= 1_000 && length <= 2_000, `${length} are kept`);
    assert(all.at(-2)!.isKept, "the newest inline function is forgotten");
  }
  assert(Math.max(...all.map(({ id }) => id)) <= 2_001);
});

Deno.test("FunctionTable keeps every function that has jobs", async () => {
  const table = new FunctionTable();
  const busy = Array.from({ length: 2_100 }, (_, i) => {
    const fn = table.inline(distinct(i));
    table.begin(fn);
    return fn;
  });
  await useOthers(table, 1_500, 2_100);
  assert(busy.every((fn) => fn.isKept));
  assertEquals(new Set(busy.map(({ id }) => id)).size, busy.length);
});

Deno.test("FunctionTable accepts a forgotten function again", async () => {
  const table = new FunctionTable();
  const fn = () => 1;
  const first = use(table, table.inline(fn));
  await useOthers(table, 1_500);
  assertEquals(first.isKept, false);
  const again = table.inline(fn);
  assertEquals([again.isKept, again.source], [true, first.source]);
  assertEquals(table.inline(fn), again);
});

Deno.test("KnownFunctions sends a worker the missing definitions, and the ids to forget", async () => {
  const table = new FunctionTable();
  const known = new KnownFunctions(table);
  const a = use(table, table.named("a"));
  assertEquals(
    known.definitionsFor([{ fn: a }, { fn: a }])!.definitions.length,
    1,
  );
  assertEquals(known.definitionsFor([{ fn: a }]), undefined);
  await useOthers(table, 1_500);
  const message = known.definitionsFor([{ fn: table.named("b") }])!;
  assertEquals(message.forgotten, [a.id]);
  assertEquals(message.definitions.map(({ name }) => name), ["b"]);
});
