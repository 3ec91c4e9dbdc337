// A live view of a pool, at a path of any server: its queue, what each worker is
// doing, throughput, times, memory. Run directly, it shows a pool under load.
//
//   deno run --allow-net=127.0.0.1 --allow-read=. examples/dashboard.ts [port]
//
// Then open http://127.0.0.1:8000/pool/. To mount the dashboard on your own server,
// import `dashboard`, as below. The files of the page are imported as text, which
// needs no flag, build step or permission since Deno 2.8.
import { ThreadPool } from "@spindle/thread-pool";
import { dashboard } from "./dashboard/handler.ts";
import type * as jobs from "./dashboard_jobs.ts";

export { dashboard, type DashboardOptions } from "./dashboard/handler.ts";

if (import.meta.main) await demo();

async function demo(): Promise<void> {
  const { load } = await import("./dashboard/load.ts");
  const pool = new ThreadPool<typeof jobs>({
    module: new URL("./dashboard_jobs.ts", import.meta.url),
    size: { min: 2, max: 6 },
    idleTimeout: 5_000,
    timeout: 5_000,
  });
  const show = dashboard(pool, { path: "/pool" });
  const port = Number(Deno.args[0] ?? 8000);
  const server = Deno.serve({ hostname: "127.0.0.1", port }, (request) => {
    return show(request) ?? Response.redirect(new URL("/pool/", request.url));
  });

  const stopping = new AbortController();
  Deno.addSignalListener("SIGINT", function stop() {
    Deno.removeSignalListener("SIGINT", stop); // a second Ctrl-C does not wait
    stopping.abort();
  });
  await load(pool, stopping.signal);
  await pool.close();
  await server.shutdown();
}
