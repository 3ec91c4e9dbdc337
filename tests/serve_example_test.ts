// The example of `Deno.serve` whose requests are jobs, as its header says to run it.
import { assertEquals, assertMatch } from "@std/assert";
import { handle } from "../examples/serve_jobs.ts";
import { Server } from "./server_process.ts";

// printf abc | sha256sum
const HASH_OF_ABC =
  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
const POST = { method: "POST", body: "abc" };

Deno.test("handle() answers a request without any pool", async () => {
  const answer = await handle(new Request("http://localhost/", POST));
  assertEquals(await answer.text(), HASH_OF_ABC);
});

Deno.test("serve.ts hashes what is posted, with the permissions that it names", async () => {
  const file = "examples/serve.ts";
  const source = await Deno.readTextFile(
    new URL(`../${file}`, import.meta.url),
  );
  const [, flags] = /deno run (.+) examples\/serve\.ts/.exec(source)!;
  await using server = await Server.run(...flags.split(" "), file, "0");
  const url = `http://127.0.0.1:${server.port}/`;
  const posts = Array.from({ length: 8 }, () => fetch(url, POST));
  for (const response of await Promise.all(posts)) {
    assertEquals([response.status, await response.text()], [200, HASH_OF_ABC]);
  }
  assertMatch(await (await fetch(url)).text(), /^POST something/);
});
