// The example of `Deno.serve` whose requests are jobs, as its header says to run it.
import { assertEquals, assertMatch } from "@std/assert";
import { handle } from "../examples/serve_jobs.ts";
import { Server } from "./server_process.ts";

// printf abc | sha256sum
const HASH_OF_ABC =
  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";

/** The flags between `deno run` and the file, from the example's first lines. */
async function permissions(): Promise<string[]> {
  const url = new URL("../examples/serve.ts", import.meta.url);
  const command = /deno run (.+) examples\/serve\.ts/;
  return command.exec(await Deno.readTextFile(url))![1].split(" ");
}

async function start(): Promise<Server> {
  return await Server.run(...await permissions(), "examples/serve.ts", "0");
}

Deno.test("the handler answers a request without any pool", async () => {
  const post = new Request("http://localhost/", {
    method: "POST",
    body: "abc",
  });
  assertEquals(await (await handle(post)).text(), HASH_OF_ABC);
});

Deno.test("the server hashes what is posted, with the permissions that it names", async () => {
  await using server = await start();
  const url = `http://127.0.0.1:${server.port}/`;
  const responses = await Promise.all(
    Array.from(
      { length: 8 },
      () => fetch(url, { method: "POST", body: "abc" }),
    ),
  );
  for (const response of responses) {
    assertEquals([response.status, await response.text()], [200, HASH_OF_ABC]);
  }
});

Deno.test("the server asks for something to be posted", async () => {
  await using server = await start();
  const response = await fetch(`http://127.0.0.1:${server.port}/`);
  assertMatch(await response.text(), /^POST something/);
});
