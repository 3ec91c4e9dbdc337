// A connection is closed when its job is stopped, whatever the job does.
import { assertEquals, assertRejects } from "@std/assert";
import {
  JobTimeoutError,
  ThreadPool,
  type ThreadPoolOptions,
} from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";
import { readAll, tcpPair } from "./sockets.ts";

const JOBS = {
  "a loop": (_: Deno.Conn) => {
    for (;;);
  },
  "no end": (_: Deno.Conn) => new Promise<never>(() => {}),
};

const WAYS: ThreadPoolOptions[] = [
  { connections: "bytes" },
  { connections: "descriptor" },
  { connections: "bytes", hardKill: true },
];

for (const [what, job] of Object.entries(JOBS)) {
  for (const way of WAYS) {
    poolTest(
      `a connection whose job has ${what} is closed after its timeout (${
        JSON.stringify(way)
      })`,
      async () => {
        await using pool = new ThreadPool({ size: 1, abortGrace: 20, ...way });
        const { client, server } = await tcpPair();
        const late = assertRejects(
          () => pool.execute(job, [server], { timeout: 50 }),
          JobTimeoutError,
        );
        assertEquals((await readAll(client)).length, 0);
        client.close();
        await late;
      },
    );
  }
}
