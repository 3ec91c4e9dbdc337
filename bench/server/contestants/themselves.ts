// Two workers that accept themselves, both from the one socket that Deno's `loadBalanced` shares.
import { obey, setting, tell } from "../parent.ts";
import type { ServerSetting } from "../setting.ts";
import { listen } from "./listen.ts";
import { startWorker } from "./start_worker.ts";

const { work } = setting<ServerSetting>();
const port = freePort();
for (let i = 0; i < 2; i++) {
  await startWorker("themselves_worker.ts", { port, work });
}
tell({ port });
await obey();

/** Both have to ask for the same port by its number: asking for 0 shares nothing. */
function freePort(): number {
  using listener = listen();
  return listener.addr.port;
}
