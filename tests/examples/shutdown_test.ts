// Tests the example of a graceful shutdown, by the command in its header.
import { assertEquals, assertMatch } from "@std/assert";
import { Example } from "./example.ts";

/** Starts the server, and a request that works for `ms`. */
async function serve(grace: number, ms: number) {
  const args = ["0", `${grace}`];
  const example = await Example.serve("shutdown.ts", { args });
  const response = fetch(`http://127.0.0.1:${example.port}/?ms=${ms}`)
    .then(async (response) => [response.status, await response.text()]);
  await example.match(new RegExp(`Works for ${ms} ms`));
  return { example, response };
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `shutdown.ts finishes its requests on ${signal}, and exits with 0`,
    ignore: Deno.build.os === "windows", // which has no signals
    fn: async () => {
      const { example, response } = await serve(60_000, 500);
      await using server = example;
      server.kill(signal);
      assertEquals(await response, [200, "worked for 500 ms\n"]);
      assertEquals(await server.code(), 0);
      assertMatch(server.output, new RegExp(`${signal}: finishing`));
      assertMatch(server.output, /A worker ends in peace/);
    },
  });
}

Deno.test({
  name:
    "shutdown.ts cuts off requests that outlast its grace, and exits with 1",
  ignore: Deno.build.os === "windows",
  fn: async () => {
    const { example, response } = await serve(100, 3_600_000);
    await using server = example;
    server.kill("SIGTERM");
    assertEquals(await response, [503, "shutting down\n"]);
    assertEquals(await server.code(), 1);
    assertMatch(server.output, /Cut off 1 jobs/);
  },
});
