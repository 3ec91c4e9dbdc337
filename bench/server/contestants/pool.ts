// The pool: main accepts, and the connection moves to a worker that answers.
import { obey, setting, tell } from "../parent.ts";
import type { ServerSetting, ServerStatus } from "../setting.ts";
import { acceptAll, listen } from "./listen.ts";
import { openPool } from "./open_pool.ts";

const { work, ...options } = setting<ServerSetting>();
const pool = openPool(2, options);
const listener = listen();
tell({ port: listener.addr.port });
acceptAll(listener, (conn) => {
  pool.execute("handle_connection", [conn, work]).catch(() => {
    // Counted by the pool.
  });
}, () => pool.ready());
await obey((): ServerStatus => pool.stats());
