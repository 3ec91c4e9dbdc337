import { assert, assertEquals } from "@std/assert";
import { type Look, Watch } from "../../src/dispatch/watch.ts";
import { REAL_CLOCK } from "../../src/values/clock.ts";

/** Returns a watch and its checks. `next()` resolves at the next check. */
function watch(): { watch: Watch; next(): Promise<Look>; looks: Look[] } {
  const looks: Look[] = [];
  let heard = Promise.withResolvers<Look>();
  return {
    watch: new Watch((look) => {
      looks.push(look);
      heard.resolve(look);
      heard = Promise.withResolvers();
    }, { clock: REAL_CLOCK, onCallerThread: false }),
    next: () => heard.promise,
    looks,
  };
}

Deno.test("Watch.soon() checks twice, however often it is called", async () => {
  const { watch: asked, next, looks } = watch();
  for (let i = 0; i < 5; i++) asked.soon();
  assert((await next()).isDue("look"));
  await next();
  // The test would fail if a timer were left.
  assertEquals(looks.length, 2);
});

Deno.test("Watch.soon(1) checks once", async () => {
  const { watch: asked, next, looks } = watch();
  asked.soon(1);
  asked.soon(1);
  await next();
  assertEquals(looks.length, 1);
});

Deno.test("Watch.at() checks at the earliest time, and isDue() returns the reason", async () => {
  const { watch: asked, next } = watch();
  const now = performance.now();
  asked.at("grace", now + 20);
  asked.expectTimeout(5);
  asked.expectTimeout(Infinity);
  const first = await next();
  assert(first.now >= now + 5);
  assertEquals([first.isDue("timeout"), first.isDue("grace")], [true, false]);
  const second = await next();
  assert(second.now >= now + 20);
  assertEquals([second.isDue("timeout"), second.isDue("grace")], [false, true]);
});

Deno.test("a check is late by the time that this thread was busy, not by a time in the past", async () => {
  const { watch: asked, next } = watch();
  asked.at("grace", performance.now() - 10_000);
  const first = await next();
  assert(first.late < 5_000);
  asked.at("grace", performance.now() + 1);
  for (const end = performance.now() + 60; performance.now() < end;);
  const second = await next();
  assert(second.late >= 50);
});

Deno.test("Watch.pause() cancels all checks except a grace, and stop() all checks", async () => {
  const { watch: asked, next } = watch();
  // A paused watch does not keep the process alive.
  const keepsAlive = setTimeout(() => {}, 10_000);
  asked.at("grace", performance.now() + 5);
  asked.soon();
  asked.pause();
  const { isDue } = await next();
  clearTimeout(keepsAlive);
  assertEquals([isDue("grace"), isDue("look")], [true, false]);
  asked.soon();
  asked.expectStall();
  asked.pause();
  asked.soon();
  asked.stop();
  asked.soon();
  asked.at("grace", 0);
  // The test would fail if a timer were left.
});
