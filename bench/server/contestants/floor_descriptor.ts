// The way of a connection by its descriptor, and nothing of the rest.
import { newDescriptor } from "../../../src/moving/descriptor.ts";
import { obey, setting, tell } from "../parent.ts";
import type { ServerSetting } from "../setting.ts";
import { acceptAll, listen } from "./listen.ts";
import { startWorker } from "./start_worker.ts";

const { work } = setting<ServerSetting>();
const moved = new Map<number, Deno.Conn>();
let lastId = 0;

async function start(): Promise<Worker> {
  const { worker } = await startWorker("floor_descriptor_worker.ts", { work });
  worker.onmessage = ({ data: id }) => {
    moved.get(id)?.close();
    moved.delete(id);
  };
  return worker;
}

const workers = [await start(), await start()];
const listener = listen();
tell({ port: listener.addr.port });
acceptAll(listener, (conn) => {
  const fd = newDescriptor(conn);
  if (fd === undefined) return conn.close();
  const id = ++lastId;
  moved.set(id, conn);
  const [worker] = workers;
  workers.reverse();
  worker.postMessage({ id, fd });
});
await obey();
