// Deno.serve whose requests are jobs of the pool.
import { obey, refuse, setting, tell } from "../parent.ts";
import type { ServerSetting } from "../setting.ts";
import { openPool } from "./open_pool.ts";

const { work, concurrency } = setting<ServerSetting>();
const pool = openPool(2, { concurrency });
try {
  const request = new Request("http://127.0.0.1/");
  await (await pool.execute("handle", [request, work])).text();
} catch (error) {
  refuse(error);
}
const { addr } = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  (request) => pool.execute("handle", [request, work]),
);
tell({ port: addr.port });
await obey();
