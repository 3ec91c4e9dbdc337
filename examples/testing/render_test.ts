// How to test code that uses a pool: `isolation: "none"` runs the jobs in the thread of
// the test. That is fast, follows fake time, and passes Deno's sanitizers.
//
//   deno test --allow-read=. examples/testing/render_test.ts
import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./jobs.ts";
import { renderPage } from "./render.ts";

/** A pool without workers that is ready, and whose jobs are those of a module. */
async function testPool(module: string): Promise<ThreadPool<typeof jobs>> {
  const url = new URL(module, import.meta.url);
  const pool = new ThreadPool<typeof jobs>({ module: url, isolation: "none" });
  await pool.start(); // so that no fake time passes while the module loads
  return pool;
}

Deno.test("a page has each name", async () => {
  await using pool = await testPool("./jobs.ts");
  const page = await renderPage(pool, "Hi NAME", ["Ada", "Alan"]);
  assertEquals(page, "Hi Ada\nHi Alan");
});

Deno.test("a page that takes too long is replaced after 5 s", async () => {
  using time = new FakeTime();
  await using pool = await testPool("./slow_jobs.ts");
  const page = renderPage(pool, "", []);
  await time.tickAsync(5_000); // takes no time
  assertEquals(await page, "This page takes too long.");
});

Deno.test("with real workers it is the same", async () => {
  await using pool = new ThreadPool<typeof jobs>({
    module: new URL("./jobs.ts", import.meta.url),
    size: 1,
  });
  assertEquals(await renderPage(pool, "NAME!", ["Ada"]), "Ada!");
});
