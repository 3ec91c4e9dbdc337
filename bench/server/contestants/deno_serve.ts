// Deno.serve in one thread.
import { handle } from "../jobs.ts";
import { obey, setting, tell } from "../parent.ts";
import type { ServerSetting } from "../setting.ts";

const { work } = setting<ServerSetting>();
const { addr } = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  (request) => handle(request, work),
);
tell({ port: addr.port });
await obey();
