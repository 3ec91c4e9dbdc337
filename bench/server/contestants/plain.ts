// A plain accept loop in one thread: what all others are measured by.
import { serveAndClose } from "../http.ts";
import { obey, setting, tell } from "../parent.ts";
import type { ServerSetting } from "../setting.ts";
import { acceptAll, listen } from "./listen.ts";

const { work } = setting<ServerSetting>();
const listener = listen();
tell({ port: listener.addr.port });
acceptAll(listener, (conn) => serveAndClose(conn, work));
await obey();
