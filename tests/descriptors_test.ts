// Tests of the main thread while connections are served: it does nothing where
// descriptors move, and has time for other work where bytes move.
import { assertEquals, assertLess } from "@std/assert";
import { TCP } from "./connection_kinds.ts";
import type { ClientOptions } from "./fixtures/client_worker.ts";
import type * as jobs from "./fixtures/connections.ts";
import { isOldDeno, isWindows, suite } from "./moving_pools.ts";
import { runScript } from "./script.ts";

/** Returns the server side of a connection whose client runs in a separate thread. */
async function clientInWorker(kind: ClientOptions["kind"]) {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const url = new URL("./fixtures/client_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  const accepted = listener.accept();
  const progress = new SharedArrayBuffer(4);
  const options: ClientOptions = { kind, progress };
  worker.postMessage({ port: listener.addr.port, options });
  return {
    server: await accepted,
    progress: new Int32Array(progress),
    ended: new Promise<void>((resolve) => {
      worker.addEventListener("message", () => resolve(), { once: true });
    }),
    [Symbol.dispose]: () => worker.terminate(),
  };
}

const module = new URL("./fixtures/connections.ts", import.meta.url);

suite<typeof jobs>({
  name: "The main thread while a connection that moved by descriptor is served",
  options: { module, ...TCP["TCP by descriptor"].options },
  ignore: isOldDeno || isWindows,
  cases: {
    "execute() serves the connection while the main thread is blocked": async (
      t,
    ) => {
      using client = await clientInWorker("ping");
      const { progress } = client;
      const result = t.pool.execute("echo", [client.server]);
      await Atomics.waitAsync(progress, 0, 0).value;
      let outcome: string = "ok";
      const end = Atomics.load(progress, 0) + 20;
      for (let now; (now = Atomics.load(progress, 0)) < end;) {
        outcome = Atomics.wait(progress, 0, now, 5_000);
        if (outcome === "timed-out") break;
      }
      client[Symbol.dispose]();
      await result.catch(() => {});
      assertEquals(outcome === "timed-out", false);
    },
  },
});

const LARGE = 64 * 1024 * 1024;

suite<typeof jobs>({
  name: "The main thread while a connection that moved by bytes is served",
  options: { module, ...TCP["TCP by bytes"].options },
  cases: {
    "execute() leaves the main thread its turns while much is written": async (
      t,
    ) => {
      using client = await clientInWorker("drink");
      const result = t.pool.execute("flood", [client.server, LARGE]);
      let last = 0;
      let most = 0;
      const timer = setInterval(() => {
        const now = Atomics.load(client.progress, 0);
        most = Math.max(most, now - last);
        last = now;
      });
      await client.ended;
      clearInterval(timer);
      await result;
      assertEquals(Atomics.load(client.progress, 0), LARGE);
      assertLess(most, LARGE / 2);
    },
  },
});

for (const mask of ["no_process", "no_binding", "no_method", "no_core"]) {
  Deno.test(`ThreadPool moves connections by bytes without the private API: ${mask}`, async () => {
    const preload = new URL(`./fixtures/scripts/${mask}.ts`, import.meta.url);
    const flags = ["-A", `--preload=${preload.href}`];
    assertEquals(await runScript("scripts/descriptor_pool.ts", ...flags), {
      code: 0,
      stdout: "false\n1000000\n",
      stderr: "",
    });
  });
}

Deno.test("ThreadPool moves connections by descriptor with the private API, but not on Windows", async () => {
  // Older versions of Deno lack a part of the API.
  const can = !isWindows && !isOldDeno;
  assertEquals(await runScript("scripts/descriptor_pool.ts", "-A"), {
    code: 0,
    stdout: `${can}\n1000000\n`,
    stderr: "",
  });
});
