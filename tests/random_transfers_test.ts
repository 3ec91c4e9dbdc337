// What is sent arrives byte for byte, however it is cut, and whoever ends first.
// `random_transfers_run.ts` does the same with many more.
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { TCP } from "./connection_kinds.ts";
import type * as jobs from "./fixtures/random_transfers.ts";
import { rows, suite } from "./moving_pools.ts";
import { checkTransfers, play, transferOf } from "./random_transfers.ts";
import { tcpPair, writeAll } from "./sockets.ts";

const module = new URL("./fixtures/random_transfers.ts", import.meta.url);

for (const [kind, { options }] of Object.entries(TCP)) {
  suite<typeof jobs>({
    name: `Random transfers (${kind})`,
    options: { module, size: 2, concurrency: 4, ...options },
    cases: rows(
      { 1: 1, 1_001: 1_001, 2_001: 2_001 },
      (seed) => `Conn carries 25 random transfers byte for byte: from ${seed}`,
      ({ pool }, seed) => checkTransfers(pool, { seed, count: 25 }),
    ),
  });
}

Deno.test("transferOf() makes the same of a seed, and another of another", () => {
  assertEquals(transferOf(7), transferOf(7));
  assertNotEquals(transferOf(7), transferOf(8));
});

Deno.test("play() finds a byte that is not as it should be", async () => {
  const { client, server } = await tcpPair();
  using _client = client;
  using _server = server;
  const plan = {
    ...transferOf(1).client,
    sends: { seed: 1, length: 0 },
    gets: { seed: 2, length: 10 },
    order: "gets first",
    closes: false,
  } as const;
  await writeAll(client, new Uint8Array(10));
  await client.closeWrite();
  await assertRejects(() => play(server, plan), Error, "Byte 0 is 0");
});
