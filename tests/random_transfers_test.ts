// What is sent arrives byte for byte, however it is cut, and whoever ends first.
// `deno task test:long transfers` does the same with many more.
import { assert, assertEquals, assertRejects } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/random_transfers.ts";
import { poolTest } from "./live_workers.ts";
import { checkTransfers, play, transferOf } from "./random_transfers.ts";
import { tcpPair, writeAll } from "./sockets.ts";

const module = new URL("./fixtures/random_transfers.ts", import.meta.url);

for (const connections of ["bytes", "descriptor"] as const) {
  for (const seed of [1, 1_001, 2_001, 3_001]) {
    poolTest(
      `25 random transfers arrive byte for byte, from seed ${seed} (${connections})`,
      async () => {
        await using pool = new ThreadPool<typeof jobs>({
          module,
          size: 2,
          concurrency: 4,
          connections,
        });
        await checkTransfers(pool, { seed, count: 25 });
        assertEquals(pool.stats().completed, 25);
      },
    );
  }
}

Deno.test("a seed makes the same transfer each time, and another one another", () => {
  assertEquals(transferOf(7), transferOf(7));
  assert(Deno.inspect(transferOf(7)) !== Deno.inspect(transferOf(8)));
});

Deno.test("a byte that is not as it should be is found", async () => {
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
  await assertRejects(() => play(server, plan), Error, "byte 0 is 0");
});
