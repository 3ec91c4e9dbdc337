// Tests the dashboard in a real browser, compared with the pool's stats().
import { assert, assertEquals, assertGreater } from "@std/assert";
import { deadline } from "@std/async";
import type { Browser, Page } from "playwright-core";
import { dashboard } from "../../examples/dashboard.ts";
import { Gate } from "../gate.ts";
import { type JobPool, makePool, numbersTo, reasonOf } from "../kinds.ts";
import { liveProcesses } from "../live_processes.ts";
import { CHROMIUM, startChromium } from "./chromium.ts";
import { Example } from "./example.ts";

/** Time in ms after which an expected event counts as missing. */
const LATE = 120_000;
const PHONE = { width: 360, height: 740 };

const isCi = Deno.build.os === "linux" && Deno.env.has("CI");
const canRun = CHROMIUM !== undefined || isCi;

function test(name: string, fn: (browser: Browser) => Promise<void>): void {
  const why = canRun ? "" : " (skipped without Chromium)";
  Deno.test({
    name: name + why,
    ignore: !canRun,
    fn: async () => {
      assert(CHROMIUM, "Expected a Chromium on the PATH");
      await using browser = await startChromium();
      await deadline(fn(browser), LATE);
      await browser.close();
      if (Deno.build.os === "linux") assertEquals(await liveProcesses(), []);
    },
  });
}

/** Serves only the dashboard of a pool. */
function serve(pool: JobPool, port = 0) {
  const show = dashboard(pool);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port, onListen() {} },
    (request) => show(request) ?? new Response(null, { status: 404 }),
  );
  return Object.assign(server, {
    url: `http://127.0.0.1:${server.addr.port}/pool`,
  });
}

/** Opens a page that fails on any script error. Its server must end after it. */
async function open(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage();
  page.setDefaultTimeout(LATE);
  page.on("pageerror", (error) => {
    throw error;
  });
  await page.goto(url);
  return page;
}

/** Waits until an element of the selector has this text. */
const shows = (page: Page, selector: string, text: string | RegExp) =>
  page.locator(selector).filter({
    hasText: typeof text === "string" ? new RegExp(`^\\s*${text}\\s*$`) : text,
  }).first().waitFor();

const showsNumber = (page: Page, name: string, number: number) =>
  shows(page, `[data-number=${name}]`, new RegExp(`^▲?${number}$`));

/** Returns the number of pixels of the lanes that have a job's color. */
const paintedPixels = (page: Page) =>
  page.locator(".timeline canvas").evaluate((element) => {
    const canvas = element as unknown as {
      width: number;
      height: number;
      getContext(kind: "2d"): {
        getImageData(...box: number[]): { data: Uint8ClampedArray };
      };
    };
    const { width, height } = canvas;
    const { data } = canvas.getContext("2d")
      .getImageData(0, 0, width, height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [r, g, b, a] = data.subarray(i, i + 4);
      // Seconds and the lines of new workers are gray.
      if (a === 255 && Math.max(r, g, b) - Math.min(r, g, b) > 60) count++;
    }
    return count;
  });

/** Waits until no part of a page is beyond its right edge. */
async function fitsInWidth(page: Page): Promise<void> {
  const { scrollWidth, clientWidth } = await page.evaluate<
    { scrollWidth: number; clientWidth: number }
  >(`new Promise(requestAnimationFrame).then(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return { scrollWidth, clientWidth };
  })`);
  if (scrollWidth > clientWidth) await fitsInWidth(page);
}

test("the dashboard shows which job each worker runs, and counts as stats() does", async (browser) => {
  await using pool = makePool({ size: 2 });
  await using server = serve(pool);
  await using page = await open(browser, server.url);
  await shows(page, ".status", /Live/);
  assertEquals(await paintedPixels(page), 0);

  using gate = new Gate();
  const held = numbersTo(5).map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(2);
  await shows(page, "[data-worker='1'] .job", "passGate");
  await shows(page, "[data-worker='2'] .job", "passGate");
  await shows(page, ".workers h2", /2 of 2 busy/);
  const { running, queued } = pool.stats();
  assertEquals([running, queued], [2, 3]);
  await showsNumber(page, "running", running);
  await showsNumber(page, "queued", queued);
  await shows(page, ".key.jobs li", "passGate");
  assertGreater(await paintedPixels(page), 0);

  gate.open();
  await Promise.all(held);
  await reasonOf(pool.execute("fail"));
  const { completed, failed } = pool.stats();
  assertEquals([completed, failed], [5, 1]);
  await showsNumber(page, "completed", completed);
  await showsNumber(page, "failed", failed);
  await shows(page, ".bad dt", "Failed");
  await shows(page, "[data-worker='1'] .job", "idle");
});

test("the dashboard shows earlier jobs after a reload", async (browser) => {
  await using pool = makePool();
  await using server = serve(pool);
  await using page = await open(browser, server.url);
  await shows(page, ".status", /Live/);
  using gate = new Gate();
  const job = pool.execute("passGate", [gate.key]);
  await shows(page, "[data-worker='1'] .job", "passGate");
  gate.open();
  await job;
  await shows(page, "[data-worker='1'] .job", "idle");

  await page.reload();
  await shows(page, "[data-worker='1'] .job", "idle");
  await showsNumber(page, "completed", 1);
  assertGreater(await paintedPixels(page), 0);
});

test("the dashboard shows that the pool is closed, also after a reload, and finds the next pool", async (browser) => {
  const first = serve(makePool());
  const { port } = first.addr;
  await first.shutdown();

  const pool = makePool();
  const server = serve(pool, port);
  await using page = await open(browser, server.url);
  await pool.execute("echo", [1]);
  await showsNumber(page, "completed", 1);
  using gate = new Gate();
  const job = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const closed = pool.close();
  await shows(page, ".status", /closed, finishing its jobs/);
  gate.open();
  await Promise.all([job, closed]);
  await shows(page, ".status", /The pool is closed$/);
  await page.reload();
  await shows(page, ".status", /The pool is closed$/);
  await showsNumber(page, "completed", 2);
  await server.shutdown();

  await using next = makePool();
  await using _ = serve(next, port);
  await shows(page, ".status", /Live/);
  await showsNumber(page, "completed", 0);
  await page.close();
});

test("the dashboard shows 100 workers, on a phone without horizontal scrolling", async (browser) => {
  await using pool = makePool({ size: 100 });
  await using server = serve(pool);
  await using page = await open(browser, server.url);
  using gate = new Gate();
  const held = numbersTo(100).map(() => pool.execute("passGate", [gate.key]));
  await gate.arrived(100);
  await showsNumber(page, "running", 100);
  await shows(page, ".workers h2", /100 of 100 busy/);
  const names = page.locator("[data-worker] .job");
  assertEquals(await names.allTextContents(), held.map(() => "passGate"));

  await page.setViewportSize(PHONE);
  await fitsInWidth(page); // once its charts have resized
  const label = await names.last().boundingBox();
  assert(label && label.width > 40, "Expected room for names");
  gate.open();
  await Promise.all(held);
});

test("the dashboard has readable contrast in light and dark mode", async (browser) => {
  await using pool = makePool();
  await using server = serve(pool);
  await using page = await open(browser, server.url);
  await pool.execute("echo", [1]);
  await showsNumber(page, "completed", 1);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const variables = await page.evaluate<Record<string, string>>(`
      const style = getComputedStyle(document.documentElement);
      const names = [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
        .flatMap(({ style }) => [...style ?? []]).filter((name) => name.startsWith("--"));
      Object.fromEntries(names.map((name) => [name, style.getPropertyValue(name).trim()]));
    `);
    const pairs = ["text", "muted", "good", "bad"]
      .flatMap((text) => [[text, "card"], [text, "page"]]);
    for (const i of numbersTo(8)) pairs.push(["on-job", `job-${i}`]);
    for (const [text, ground] of pairs) {
      const ratio = contrast(variables[`--${text}`], variables[`--${ground}`]);
      assert(ratio >= 4.5, `Expected to read ${text} on ${ground}: ${ratio}`);
    }
  }
});

/** Returns the contrast ratio of two colors, as defined by WCAG 2. */
function contrast(...colors: string[]): number {
  const [darker, lighter] = colors.map((color) => {
    const [r, g, b] = color.match(/[\da-f]{2}/g)!.map((hex) => {
      const value = parseInt(hex, 16) / 255;
      return value <= 0.04045
        ? value / 12.92
        : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  }).sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

test("the dashboard demo runs by the command in its header, and ends on SIGINT", async (browser) => {
  await using demo = await Example.serve("dashboard.ts", { args: ["0"] });
  await using page = await open(browser, `http://127.0.0.1:${demo.port}/`);
  assertEquals(new URL(page.url()).pathname, "/pool/");
  await shows(page, "[data-number=completed]", /[1-9]/);
  await shows(page, ".key.jobs li", "fetchPage");
  demo.kill("SIGINT");
  assertEquals(await demo.code(), 0);
  await shows(page, ".status", /closed|Connection lost/);
});

Deno.test("the dashboard handles requests below its path, and no other requests", async () => {
  await using pool = makePool({ size: 1 });
  const show = dashboard(pool);
  const get = (path: string, method = "GET") =>
    show(new Request(`http://host${path}`, { method }));
  assertEquals([get("/"), get("/poolside")], [undefined, undefined]);
  assertEquals(get("/pool")?.headers.get("location"), "pool/");
  for (const file of ["", "app.js", "uplot.js", "style.css"]) {
    const { status, headers } = get(`/pool/${file}`)!;
    assertEquals(status, 200);
    assert(headers.get("content-security-policy")?.includes("'self'"));
  }
  assertEquals(get("/pool/toString")?.status, 404);
  assertEquals(get("/pool/", "POST")?.status, 405);
});
