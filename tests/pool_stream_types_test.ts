// Types of stream(). The test is that this file passes the type check. Calls that it
// must refuse are under `@ts-expect-error`.
import { assert } from "@std/assert";
import {
  type JobStream,
  type StreamName,
  type StreamOptions,
  ThreadPool,
} from "@spindle/thread-pool";
import { currentJob } from "@spindle/thread-pool/worker";
import type * as jobs from "./fixtures/types.ts";
import { same } from "./same_type.ts";

const module = new URL("./fixtures/types.ts", import.meta.url);
type Pool = ThreadPool<typeof jobs>;

function valuesAreTyped(pool: Pool) {
  const numbers = pool.stream("numbers");
  same<typeof numbers, JobStream<number>>(true);
  const later = pool.stream("laterNumbers", [], { window: 1 });
  same<typeof later, JobStream<number>>(true);
  const inline = pool.stream(function* (text: string, to: number) {
    for (let i = 0; i < to; i++) yield { text, i };
  }, ["a", 1]);
  same<typeof inline, JobStream<{ text: string; i: number }>>(true);
  const asyncInline = pool.stream(async function* () {
    yield await Promise.resolve("a");
  });
  same<typeof asyncInline, JobStream<string>>(true);
  const either = pool.stream(function* (): Generator<string | number, boolean> {
    yield 1;
    yield "a";
    return true;
  });
  same<typeof either, JobStream<string | number>>(true);
  const iterator = (list: number[]) => list.values();
  const values = pool.stream(iterator, [[1]]);
  same<typeof values, JobStream<number>>(true);
}

async function loopsAreTyped(pool: Pool) {
  for await (const value of pool.stream("numbers")) {
    same<typeof value, number>(true);
  }
  const { done, value } = await pool.stream("numbers").next();
  if (!done) same<typeof value, number>(true);
  const readable = ReadableStream.from(pool.stream("numbers"));
  same<typeof readable, ReadableStream<number>>(true);
}

function namesAreThoseOfGenerators() {
  same<
    StreamName<typeof jobs>,
    "numbers" | "laterNumbers" | "untyped" | "never"
  >(
    true,
  );
}

function wrongCallsAreRefused(pool: Pool) {
  // @ts-expect-error no such job
  pool.stream("number");
  // @ts-expect-error not a generator
  pool.stream("greet");
  // @ts-expect-error a class
  pool.stream("Klass");
  // @ts-expect-error an inline function that is no generator
  pool.stream(() => [1]);
  // @ts-expect-error an argument is missing
  pool.stream(function* (to: number) {
    yield to;
  });
  const countTo = function* (to: number) {
    yield to;
  };
  // @ts-expect-error an argument has another type
  pool.stream(countTo, ["1"]);
  // @ts-expect-error one argument too many
  pool.stream("numbers", [1]);
  // @ts-expect-error an unknown option
  pool.stream("numbers", [], { windows: 1 });
  // @ts-expect-error an option of another type
  pool.stream("numbers", [], { window: "1" });
  // @ts-expect-error an option of streams only
  pool.execute("greet", [], { window: 1 });
}

function poolsWithoutTypesTakeAnyName() {
  const pool = new ThreadPool({ module });
  // deno-lint-ignore no-explicit-any
  same<ReturnType<typeof pool.stream<"whatever">>, JobStream<any>>(true);
  pool.stream("whatever", [1, "a"]);
}

function progressIsTyped(pool: Pool) {
  pool.execute("greet", [], {
    onProgress: (value) => same<typeof value, unknown>(true),
  });
  const options: StreamOptions = { onProgress: () => {} };
  pool.stream("numbers", [], options);
  currentJob()?.report({ done: 0.5 });
  // @ts-expect-error no value
  currentJob()?.report();
  // @ts-expect-error a value, not a function
  pool.execute("greet", [], { onProgress: 1 });
}

Deno.test("stream() and progress: types pass the type check", () => {
  const checked = [
    valuesAreTyped,
    loopsAreTyped,
    namesAreThoseOfGenerators,
    wrongCallsAreRefused,
    poolsWithoutTypesTakeAnyName,
    progressIsTyped,
  ];
  assert(checked.every((one) => typeof one === "function"));
});
