// A client that reads a large page slowly: the server must not hold what is not read yet.
import { setTimeout as wait } from "node:timers/promises";
import { connect, send } from "./client.ts";
import { startServer } from "./contestants.ts";
import type { Holding } from "./held.ts";
import { rss } from "./proc.ts";
import { cell } from "./report.ts";

const PAGE_MIB = 100;
const MIB = 1024 * 1024;
/** Times a second that the client reads, and the server's memory is looked at. */
const READS = 10;

/** The test. */
export const slowReader: Holding = {
  name: "slow-reader",
  title: ({ slowSeconds }) =>
    `${PAGE_MIB} MiB, read at 1 MiB/s for ${slowSeconds} s`,
  head: ["growth, MiB", "at the start, MiB", "at most, MiB", "read, MiB"],
  targets: [{ text: "the pool grows by less than 16 MiB", atMost: 16 }],
  async measure(contestant, { slowSeconds }) {
    const work = { steps: 0, ms: 0, mib: PAGE_MIB };
    await using server = await startServer(contestant, { work });
    await warm(server.ready.port);
    const before = await rss(server.pid);

    using conn = await connect(server.ready.port);
    await send(conn, "close");
    const buffer = new Uint8Array(MIB / READS);
    const begun = performance.now();
    let most = before;
    let bytes = 0;
    for (let i = 1; i <= slowSeconds * READS; i++) {
      bytes += await readFull(conn, buffer);
      most = Math.max(most, await rss(server.pid));
      await wait(Math.max(0, begun + i * 1000 / READS - performance.now()));
    }
    const growth = most - before;
    const figures = [growth, before, most, bytes / MIB];
    return { cells: figures.map(cell), figures: [growth] };
  },
};

/** Lets both workers start and send a little, so that only what is held grows. */
async function warm(port: number): Promise<void> {
  const conns = await Promise.all([connect(port), connect(port)]);
  for (const conn of conns) {
    await send(conn, "close");
    await conn.read(new Uint8Array(MIB / 16));
  }
  for (const conn of conns) conn.close();
  await wait(500);
}

/** Reads until the buffer is full, or to the end; gives the bytes. */
async function readFull(conn: Deno.Conn, buffer: Uint8Array): Promise<number> {
  let length = 0;
  while (length < buffer.length) {
    const count = await conn.read(buffer.subarray(length));
    if (count === null) break;
    length += count;
  }
  return length;
}
