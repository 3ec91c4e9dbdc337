// A module's own listeners for errors count as in any worker.
import { assertEquals, assertRejects } from "@std/assert";
import { ThreadPool, WorkerCrashedError } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";

/** What a module may do to hear of errors; each calls `heard()`. */
const LISTENERS: Record<string, string> = {
  "addEventListener()": `
    addEventListener("error", (e) => { e.preventDefault(); heard(); });
    addEventListener("unhandledrejection", (e) => {
      e.preventDefault();
      heard();
    });`,
  "a capturing listener": `
    for (const type of ["error", "unhandledrejection"]) {
      addEventListener(type, (e) => { e.preventDefault(); heard(); }, true);
    }`,
  "onerror and onunhandledrejection": `
    onerror = () => { heard(); return true; };
    onunhandledrejection = (e) => { e.preventDefault(); heard(); };`,
  "process.on()": `
    import process from "node:process";
    process.on("uncaughtException", () => heard());
    process.on("unhandledRejection", () => heard());`,
};

/** How an error can be left behind. */
const DEEDS: Record<string, string> = {
  "a rejection": `Promise.reject(new Error("left"));`,
  "a timer that throws": `setTimeout(() => { throw new Error("left"); });`,
  "a microtask that throws":
    `queueMicrotask(() => { throw new Error("left"); });`,
  "reportError()": `reportError(new Error("left"));`,
};

function moduleOf(listeners: string, deed: string): string {
  const source = `let heard;
    ${listeners}
    export const leave = () => new Promise((resolve) => {
      heard = resolve;
      ${deed}
    });
    export const next = () => new Promise((r) => setTimeout(r, 0, "alive"));`;
  return `data:text/javascript,${encodeURIComponent(source)}`;
}

for (const hardKill of [false, true]) {
  for (const [how, listeners] of Object.entries(LISTENERS)) {
    poolTest(
      `what ${how} of a module handles costs no worker (hardKill: ${hardKill})`,
      async () => {
        for (const deed of Object.values(DEEDS)) {
          const module = moduleOf(listeners, deed);
          await using pool = new ThreadPool({ module, size: 1, hardKill });
          await pool.execute("leave");
          assertEquals(await pool.execute("next"), "alive");
          assertEquals(pool.stats().crashed, 0, deed);
        }
      },
    );
  }
}

poolTest(
  "an error that a module's listener only hears of costs its worker",
  async () => {
    const listeners = `
    addEventListener("error", () => {});
    addEventListener("unhandledrejection", () => {});`;
    for (const deed of Object.values(DEEDS)) {
      const module = moduleOf(listeners, deed);
      await using pool = new ThreadPool({ module, size: 1 });
      const error = await assertRejects(
        () => pool.execute("leave"),
        WorkerCrashedError,
      );
      assertEquals((error.cause as Error).message, "left", deed);
      assertEquals(await pool.execute("next"), "alive");
    }
  },
);
