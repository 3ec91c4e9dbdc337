// Many idle connections, which then all ask at once.
import { setTimeout as wait } from "node:timers/promises";
import { answered, ask, connect, send, within } from "./client.ts";
import { startServer } from "./contestants.ts";
import type { Holding } from "./held.ts";
import { openFilesLimit, rss } from "./proc.ts";
import { cell } from "./report.ts";
import type { ServerStatus } from "./setting.ts";

/** Connections that are opened at once: a listener's backlog holds as many. */
const BATCH = 100;
const PATIENCE = 30;

/** The test. */
export const idle: Holding = {
  name: "idle",
  title: ({ idle }) => `${idle} idle connections, which then all ask`,
  head: [
    "answered",
    "of",
    "jobs that held them",
    "s to answer",
    "growth, MiB",
    "KiB each",
  ],
  targets: [{ text: "all of the pool's are answered", atLeast: 1 }],
  async measure(contestant, { idle }) {
    // A server has as many, and twice as many where it duplicates them.
    const needed = idle * 2 + 100;
    const limit = await openFilesLimit();
    if (limit < needed) {
      throw new Error(`skipped: ulimit -n is ${limit}, needed are ${needed}`);
    }
    await using server = await startServer(contestant, { concurrency: idle });
    await ask(server.ready.port, 16);
    const before = await rss(server.pid);

    const conns: Deno.TcpConn[] = [];
    try {
      while (conns.length < idle) {
        const count = Math.min(BATCH, idle - conns.length);
        const batch = Array.from(
          { length: count },
          () => connect(server.ready.port),
        );
        conns.push(...await Promise.all(batch));
      }
      await wait(2_000);
      const held = (await server.ask<ServerStatus | null>())?.running;
      const growth = await rss(server.pid) - before;

      const begun = performance.now();
      const answers = await Promise.all(conns.map((conn) =>
        within(
          PATIENCE,
          send(conn, "keep-alive").then(() => answered(conn)),
        )
      ));
      const seconds = (performance.now() - begun) / 1000;
      const count = answers.filter(Boolean).length;
      const cells = [count, idle].map(String);
      return {
        cells: [
          ...cells,
          ...[held, seconds, growth, growth * 1024 / idle].map(cell),
        ],
        figures: [count / idle],
      };
    } finally {
      for (const conn of conns) conn.close();
    }
  },
};
