// A JSON API whose requests are jobs. Lookups go before slow logins, and a client that
// cannot be served in time gets an error. Ctrl-C answers the waiting requests.
//
//   deno run --unstable-no-legacy-abort --allow-net=127.0.0.1 --allow-read=. --allow-write=. examples/api.ts [port] [database]
//   curl http://127.0.0.1:8000/users --data '{"name": "ada", "password": "lovelace"}'
//   curl http://127.0.0.1:8000/login --data '{"name": "ada", "password": "lovelace"}'
//   curl http://127.0.0.1:8000/users?name=ada
import process from "node:process";
import { ThreadPool } from "@spindle/thread-pool";
import type * as jobs from "./api_jobs.ts";

await using pool = new ThreadPool<typeof jobs>({
  module: new URL("./api_jobs.ts", import.meta.url),
  workerData: Deno.args[1] ?? "users.db",
  timeout: 1_000, // ms, from the start of a job
  abortGrace: 3_000, // a hash or a query cannot be stopped, but ends soon
  // When the queue is full, the login that has waited longest is discarded.
  queue: { capacity: 32, whenFull: "discard-oldest" },
});

function answer(request: Request, body: string): Promise<jobs.User> {
  const { pathname, searchParams } = new URL(request.url);
  const name = searchParams.get("name") ?? "";
  // After a disconnect or five seconds, the request's job is aborted.
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(5_000)]);
  switch (`${request.method} ${pathname}`) {
    case "GET /users":
      return pool.execute("find", [name], { signal, priority: 1 });
    case "POST /users":
      return pool.execute("signUp", [body], { signal });
    case "POST /login":
      return pool.execute("logIn", [body], { signal });
  }
  throw new Deno.errors.NotFound("No such page");
}

/** HTTP statuses for errors from the jobs, the pool and the signal. */
const STATUSES: [status: number, names: string[]][] = [
  [400, ["SyntaxError"]],
  [401, ["PermissionDenied"]],
  [404, ["NotFound"]],
  [409, ["AlreadyExists"]],
  [503, ["JobDiscardedError", "QueueFullError", "TimeoutError", "AbortError"]],
  [504, ["JobTimeoutError"]],
];

async function handle(request: Request): Promise<Response> {
  try {
    return Response.json(await answer(request, await request.text()));
  } catch (error) {
    const { name, message } = error as Error;
    const [status] = STATUSES.find(([, names]) => names.includes(name)) ??
      [500];
    if (status === 500) console.error(error); // the client must not see the details
    const init = { status, headers: { "retry-after": "1" } };
    return Response.json({ error: status === 500 ? "Sorry" : message }, init);
  }
}

const port = Number(Deno.args[0] ?? 8000);
const server = Deno.serve({ hostname: "127.0.0.1", port }, handle);
process.once("SIGINT", server.shutdown).once("SIGTERM", server.shutdown);
await server.finished;
