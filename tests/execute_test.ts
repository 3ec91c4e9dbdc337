// Tests of named jobs: the functions that the pool's module exports.
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { JobNotFoundError, ThreadPool } from "@spindle/thread-pool";
import { makePool, numbersTo, warmUp } from "./kinds.ts";
import { eachRow, moduleOf, test } from "./pools.ts";
import { executeUntyped } from "./untyped.ts";

const module = moduleOf(`
  export function add(a, b) { return a + b; }
  export { add as sum };
  export const arrow = (text) => text.toUpperCase();
  export default () => "default";
  export const later = async (value) => { await null; return value; };
  export const thenable = (value) => ({ then: (resolve) => resolve(value) });
  export function thisOf() { return String(this); }
  export function* numbers() { yield 1; }
  export async function* laterNumbers() { yield 1; }
  export const notAFunction = 42;
  export class Klass {}`);
const exportsPool = () => new ThreadPool({ module, size: 1 });

test("execute() runs functions of the module by name, awaits them, and calls them without this", async () => {
  await using pool = exportsPool();
  await eachRow({
    add: [[1, 2], 3],
    sum: [[3, 4], 7],
    arrow: [["a"], "A"],
    default: [[], "default"],
    later: [[[1]], [1]],
    thenable: [["x"], "x"],
    thisOf: [[], "undefined"],
  }, async ([args, result], name) => {
    assertEquals(await executeUntyped(pool, name, args), result);
  });
});

test("execute() rejects with JobNotFoundError listing the jobs that exist", async () => {
  await using pool = exportsPool();
  const names = ["bogus", "notAFunction", "toString", "constructor", "then"];
  for (const name of [...names, "__proto__", ""]) {
    const { message } = await assertRejects(
      () => pool.execute(name),
      JobNotFoundError,
    );
    assertStringIncludes(message, `"${name}"`);
    const [, known] = message.split(`"${name}"`);
    for (const job of ["add", "arrow", "later", "default", "sum"]) {
      assertStringIncludes(known, job);
    }
    assertFalse(/notAFunction|numbers|laterNumbers/.test(known), known);
  }
  assertEquals(await pool.execute("add", [1, 2]), 3);
});

test("execute() rejects for a generator, naming it, and for a class", async () => {
  await using pool = exportsPool();
  for (const name of ["numbers", "laterNumbers"]) {
    const { message } = await assertRejects(() => pool.execute(name), Error);
    assertStringIncludes(message, name);
    assertStringIncludes(message, "generator");
  }
  await assertRejects(() => pool.execute("Klass"));
});

test("execute() rejects with JobNotFoundError at once if the pool has no module", async () => {
  await using pool = new ThreadPool(1);
  const { message } = await assertRejects(
    () => pool.execute("add", [1, 2]),
    JobNotFoundError,
  );
  for (const text of ['"add"', "module"]) assertStringIncludes(message, text);
  assertEquals(pool.stats().size, 0);
});

test("execute() never throws: it returns a promise that rejects", async () => {
  await using pool = exportsPool();
  const results = [
    executeUntyped(pool, undefined),
    executeUntyped(pool, "add", 1),
    executeUntyped(pool, "add", [], { bogus: 1 }),
    executeUntyped(pool, "add", [() => {}]),
  ];
  for (const result of results) {
    assertInstanceOf(result, Promise);
    await assertRejects(() => result);
  }
});

test("execute() starts jobs in the order of the calls, in a module that keeps its state", async () => {
  await using pool = makePool();
  await warmUp(pool); // so that jobs are sent in lists
  const calls = numbersTo(2_000).map(() => pool.execute("count"));
  assertEquals(await Promise.all(calls), numbersTo(2_001).slice(1));
});

test("execute() gives each of 10 000 named and inline jobs its own result", async () => {
  await using pool = makePool({ size: 2 });
  const jobs = numbersTo(10_000).map((i) =>
    i % 2 ? pool.execute("echo", [i]) : pool.execute((i: number) => i, [i])
  );
  assertEquals(await Promise.all(jobs), numbersTo(10_000));
  assertEquals(pool.stats().completed, 10_000);
});

test("execute() rejects only a job with more arguments than a call can take", async () => {
  await using pool = new ThreadPool(1);
  const count = (...args: unknown[]) => args.length;
  const many = new Array(300_000).fill(1);
  const results = await Promise.allSettled(
    [[1], many, [1, 2], [...many, new Map()], [1, 2, 3]].map((args) =>
      pool.execute(count, args)
    ),
  );
  const values = results.map((result) =>
    result.status === "fulfilled" ? result.value : "rejected"
  );
  assertEquals(values, [1, "rejected", 2, "rejected", 3]);
});

test("execute() runs the jobs of a module that exports something named then", async () => {
  const thens = [
    "export function then() {}",
    "export const then = (resolve) => resolve({ f: () => 2 })",
    "export function then(_, reject) { reject(new Error()); }",
    "export const then = 1",
  ];
  for (const [i, then] of thens.entries()) {
    const module = moduleOf(`export const f = () => 1; ${then}`);
    const isolation = i === 2 ? "none" : "thread";
    const hardKill = i === 1;
    await using pool = new ThreadPool({ module, size: 1, hardKill, isolation });
    assertEquals(await pool.execute("f"), 1, then);
  }
});

test("execute() rejects if the module cannot be imported, naming the module and no URL of the pool", async () => {
  const module = new URL("./no_such_module.ts", import.meta.url);
  await using pool = new ThreadPool({ module, size: 1 });
  const { message } = await assertRejects(() => pool.execute("f"), Error);
  assertStringIncludes(message, module.href);
  assert(!message.includes("data:"), message);
});
