// Types of map(). The test is that this file passes the type check. Calls that it
// must refuse are under `@ts-expect-error`, in functions that are never called.
import { assert } from "@std/assert";
import type { JobItem, MapOptions, ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/types.ts";
import { same } from "./same_type.ts";

type Pool = ThreadPool<typeof jobs>;

function resultsAreTyped(pool: Pool) {
  const greetings = pool.map("greet", ["a"]);
  same<typeof greetings, AsyncIterableIterator<string>>(true);
  const later = pool.map("later", ["a"]);
  same<typeof later, AsyncIterableIterator<{ text: string }>>(true);
  const inline = pool.map(async (a: number) => await `${a}`, [1]);
  same<typeof inline, AsyncIterableIterator<string>>(true);
  const settled = pool.map("greet", ["a"], { onError: "collect" });
  same<
    typeof settled,
    AsyncIterableIterator<PromiseSettledResult<string>>
  >(true);
  const thrown = pool.map("greet", ["a"], { window: 2, onError: "throw" });
  same<typeof thrown, AsyncIterableIterator<string>>(true);
}

function eitherModeGivesEitherResult(pool: Pool, options: MapOptions) {
  const results = pool.map("greet", ["a"], options);
  same<
    typeof results,
    AsyncIterableIterator<string | PromiseSettledResult<string>>
  >(true);
}

function itemsAreTyped(pool: Pool) {
  type Jobs = typeof jobs;
  same<JobItem<Jobs, "later">, string>(true);
  same<JobItem<Jobs, "greet">, string | undefined>(true);
  same<JobItem<Jobs, "rest">, string>(true);
  same<JobItem<Jobs, "anything">, unknown>(true);
  same<JobItem<Jobs, "nothing">, unknown>(true);
  same<JobItem<Jobs, "add">, never>(true);
  pool.map("later", new Set(["a"]));
  pool.map("later", [Promise.resolve("a")]);
  pool.map("later", ReadableStream.from(["a"]));
  pool.map(
    "later",
    (async function* () {
      yield await "a";
    })(),
  );
  pool.map((a: string) => a, ["a"]);
  pool.map(() => 1, [1, "a"]);
}

function wrongCallsAreRefused(pool: Pool) {
  // @ts-expect-error no such job
  pool.map("lat", ["a"]);
  // @ts-expect-error items of another type
  pool.map("later", [1]);
  // @ts-expect-error a stream of another type
  pool.map("later", ReadableStream.from([1]));
  // @ts-expect-error a job that needs two arguments
  pool.map("add", [1]);
  // @ts-expect-error no items
  pool.map("later");
  // @ts-expect-error an item is no iterable
  pool.map("later", 1);
  // @ts-expect-error an inline job with items of another type
  pool.map((a: number) => a, ["a"]);
  // @ts-expect-error a generator
  pool.map("numbers", [1]);
  // @ts-expect-error a text, which is an item itself
  pool.map("greet", "abc");
  // @ts-expect-error an inline generator
  pool.map(function* (a: number) {
    yield a;
  }, [1]);
  // @ts-expect-error an unknown option
  pool.map("later", ["a"], { windows: 1 });
  // @ts-expect-error an unknown mode
  pool.map("later", ["a"], { onError: "ignore" });
}

function streamsAreTyped(pool: Pool) {
  const pair = pool.transform("later");
  same<
    typeof pair,
    ReadableWritablePair<{ text: string }, string>
  >(true);
  const results = ReadableStream.from(["a"])
    .pipeThrough(pool.transform("later", { onError: "collect" }));
  same<
    typeof results,
    ReadableStream<PromiseSettledResult<{ text: string }>>
  >(true);
  // @ts-expect-error a stream of another type
  ReadableStream.from([1]).pipeThrough(pool.transform("later"));
  // @ts-expect-error a job that needs two arguments
  ReadableStream.from([1]).pipeThrough(pool.transform("add"));
}

Deno.test("map() and transform(): types pass the type check", () => {
  const checked = [
    resultsAreTyped,
    eitherModeGivesEitherResult,
    itemsAreTyped,
    wrongCallsAreRefused,
    streamsAreTyped,
  ];
  assert(checked.every((one) => typeof one === "function"));
});
