// What is sent arrives byte for byte, however it is cut, and whoever ends first.
// Many more transfers: deno task test:long transfers
import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { ThreadPool } from "@spindle/thread-pool";
import { TCP } from "./connection_kinds.ts";
import type * as jobs from "./fixtures/random_transfers.ts";
import { play, type SidePlan } from "./fixtures/random_transfers.ts";
import { closeIfOpen, rows, suite } from "./moving_pools.ts";
import { randomOf } from "./random.ts";
import { tcpPair, writeAll } from "./sockets.ts";

const TRANSFERS = Number(Deno.env.get("TRANSFERS") ?? 75);
const AT_ONCE = 8;

const PIECES = [1, 13, 1_000, 4_096, 4_097, 8_192, 16_384, 65_536, 65_537];
const LENGTHS = [0, 1, 100, 4_096, 10_000, 70_000, 300_000];
const LONGEST = 2_000_000;
/** Maximum number of pieces into which a side splits its bytes. */
const MOST_PIECES = 300;

const ORDERS: [SidePlan["order"], SidePlan["order"]][] = [
  ["at once", "at once"],
  ["at once", "gets first"],
  ["gets first", "at once"],
  ["sends first", "gets first"],
  ["gets first", "sends first"],
];

/** Returns the transfer of a seed: which end moves, and whether the job starts first. */
export function transferOf(seed: number) {
  const random = randomOf(seed);
  const pick = <T>(from: T[]) => from[Math.floor(random() * from.length)];
  const length = () => {
    const most = random() < 0.03 ? LONGEST : pick(LENGTHS);
    return random() < 0.5 ? most : Math.floor(random() * most);
  };
  const piece = (length: number) => {
    const least = Math.ceil(length / MOST_PIECES);
    return Math.max(least, Math.ceil(pick(PIECES) * (0.5 + random())));
  };
  const up = { seed: seed * 2, length: length() };
  const down = { seed: seed * 2 + 1, length: length() };
  const orders = pick(ORDERS);
  const side = (
    sends: SidePlan["sends"],
    gets: SidePlan["gets"],
    order: SidePlan["order"],
  ): SidePlan => ({
    sends,
    gets,
    order,
    mostWritten: piece(sends.length),
    mostRead: piece(gets.length),
    writesStream: random() < 0.3,
    readsStream: random() < 0.3,
    pauses: random() < 0.5 ? 0 : random() * 0.1,
    closes: random() < 0.5,
    seed: Math.floor(random() * 2 ** 31),
  });
  return {
    client: side(up, down, orders[0]),
    job: side(down, up, orders[1]),
    moves: random() < 0.7 ? "server" as const : "client" as const,
    submitsFirst: random() < 0.5,
  };
}

/** Runs the transfer of a seed between a client here and a job of the pool. */
async function checkTransfer(
  pool: ThreadPool<typeof jobs>,
  seed: number,
): Promise<void> {
  const { client, job, moves, submitsFirst } = transferOf(seed);
  const pair = await tcpPair();
  const conn = moves === "server" ? pair.client : pair.server;
  const begin = () => play(conn, client);
  const submit = () => pool.execute("play", [pair[moves], job]);
  const acts = submitsFirst ? [submit, begin] : [begin, submit];
  try {
    await Promise.all(acts.map((act) => act()));
  } catch (cause) {
    const plan = Deno.inspect(transferOf(seed));
    throw new Error(`Transfer ${seed} failed: ${plan}`, { cause });
  } finally {
    closeIfOpen(conn);
  }
}

const SEEDS = Object.fromEntries(
  Array.from({ length: Math.ceil(TRANSFERS / 25) }, (_, i) => [i, 1 + i * 25]),
);

for (const [kind, { options }] of Object.entries(TCP)) {
  const module = new URL("./fixtures/random_transfers.ts", import.meta.url);
  suite<typeof jobs>({
    name: `Random transfers (${kind})`,
    options: { module, size: 2, concurrency: 4, ...options },
    cases: rows(
      SEEDS,
      (i) => `Conn carries 25 random transfers unchanged: from ${SEEDS[i]}`,
      async ({ pool }, seed) => {
        const end = seed + 25;
        const some = async () => {
          while (seed < end) await checkTransfer(pool, seed++);
        };
        await Promise.all(Array.from({ length: AT_ONCE }, some));
      },
    ),
  });
}

Deno.test("transferOf() returns the same transfer for the same seed only", () => {
  assertEquals(transferOf(7), transferOf(7));
  assertNotEquals(transferOf(7), transferOf(8));
});

Deno.test("play() rejects at a wrong byte", async () => {
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
