// Main accepts and transfers the connection's streams to one of two bare workers.
import { obey, setting, tell } from "../parent.ts";
import type { ServerSetting } from "../setting.ts";
import { acceptAll, listen } from "./listen.ts";
import { startWorker } from "./start_worker.ts";

const { work } = setting<ServerSetting>();
const workers: Worker[] = [];
for (let i = 0; i < 2; i++) {
  workers.push((await startWorker("streams_worker.ts")).worker);
}
const listener = listen();
tell({ port: listener.addr.port });
let next = 0;
acceptAll(listener, ({ readable, writable }) => {
  const worker = workers[next++ % workers.length];
  worker.postMessage({ readable, writable, work }, [readable, writable]);
});
await obey();
