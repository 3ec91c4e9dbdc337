// A flood of connections that reset at once: it must leave nothing behind.
import { setTimeout as wait } from "node:timers/promises";
import { ask } from "./client.ts";
import { type Server, startServer } from "./contestants.ts";
import type { Holding } from "./held.ts";
import { startPeer } from "./peer.ts";
import { openFiles } from "./proc.ts";
import { cell } from "./report.ts";
import type { ServerStatus } from "./setting.ts";

const ASKED = 16;
/** Seconds that a server may take to let go of all. */
const PATIENCE = 10;

/** The test. */
export const flood: Holding = {
  name: "flood",
  title: ({ flood }) => `${flood} connections that reset at once`,
  head: [
    "fds before",
    "fds after",
    "jobs left",
    "workers crashed",
    `answered after, of ${ASKED}`,
    "s to flood",
    "s to settle",
  ],
  targets: [
    { text: "no fd and no job of the pool is left", atMost: 0 },
    { text: "none of the pool's workers crashed", atMost: 0 },
    { text: "the pool answers afterwards", atLeast: ASKED },
  ],
  async measure(contestant, { flood }) {
    await using server = await startServer(contestant, {});
    const { port } = server.ready;
    await ask(port, ASKED);
    await wait(500);
    const before = await openFiles(server.pid);

    const begun = performance.now();
    await using peer = startPeer("flood", [port, flood]);
    await peer.end();
    const flooded = performance.now();
    const after = await settle(server, before);
    const settled = performance.now();
    const answers = await ask(port, ASKED);
    const status = await server.ask<ServerStatus | null>();

    const { files, jobs } = after;
    const seconds = [flooded - begun, settled - flooded].map((ms) => ms / 1000);
    const counts = [before, files, jobs, status?.crashed, answers];
    return {
      cells: [...counts, ...seconds].map(cell),
      figures: [files - before + (jobs ?? 0), status?.crashed ?? 0, answers],
    };
  },
};

/** What is left once nothing is, or when patience is at its end. */
async function settle(
  server: Server,
  before: number,
): Promise<{ files: number; jobs: number | undefined }> {
  const end = performance.now() + PATIENCE * 1000;
  for (;;) {
    const status = await server.ask<ServerStatus | null>();
    const jobs = status === null ? undefined : status.running + status.queued;
    const files = await openFiles(server.pid);
    const isClean = files <= before && !jobs;
    if (isClean || performance.now() > end) return { files, jobs };
    await wait(100);
  }
}
