// The Rust Book's last chapter in Deno: a web server whose connections are jobs of a thread pool.
//
//   deno run -A examples/server.ts [--port 7878] [--size 4] [--concurrency 64]
//
// GET / says hello. GET /sleep says it after a delay, which holds one worker and no other.
// POST /echo gives the body back. http/ is what a worker needs of HTTP/1.1.
//
// Ctrl-C finishes what was accepted: the next answer of each connection is its
// last, and those that ask for nothing more end within --idle ms.
import { delay as wait } from "@std/async";
import { ThreadPool } from "@spindle/thread-pool";
import { HELP, parseFlags, type ServerFlags } from "./server_flags.ts";
import type * as jobs from "./server_jobs.ts";

async function serve(flags: ServerFlags): Promise<void> {
  const { port, size, concurrency, delay, idle } = flags;
  await using pool = new ThreadPool<typeof jobs>({
    module: new URL("./server_jobs.ts", import.meta.url),
    size,
    concurrency,
    queue: { capacity: 64 },
  });
  const listener = listen(port);
  const stopping = new Int32Array(new SharedArrayBuffer(4)); // the workers see it, too
  const isStopping = () => Atomics.load(stopping, 0) === 1;
  onStopSignal(() => {
    // Only the first signal finds it 0; to close a listener twice throws.
    if (Atomics.exchange(stopping, 0, 1) === 0) listener.close();
  });
  console.log(`Listening on 127.0.0.1:${listener.addr.port}`);

  for (;;) {
    await pool.ready(); // room in the queue first; until then clients wait in the backlog
    try {
      const conn = await listener.accept();
      const options = { delay, idle, stopping };
      pool.execute("handle_connection", [conn, options]).catch(report);
    } catch (error) {
      if (isStopping()) return; // leaving the scope finishes the jobs that were accepted
      report(error); // and stay, whatever it was
      if (!isClientGone(error)) await wait(100); // too many open files, say: let some close
    }
  }
}

function listen(port: number): Deno.TcpListener {
  const hostname = "127.0.0.1";
  try {
    return Deno.listen({ hostname, port });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new Error(`Cannot listen on ${hostname}:${port}: ${reason}`, {
      cause,
    });
  }
}

/** Whether accepting failed because the client reset its connection first. */
function isClientGone(error: unknown): boolean {
  const { ConnectionAborted, ConnectionReset, NotConnected } = Deno.errors;
  return [ConnectionAborted, ConnectionReset, NotConnected]
    .some((gone) => error instanceof gone);
}

function onStopSignal(stop: () => void): void {
  Deno.addSignalListener("SIGINT", stop);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", stop);
}

/** Prints an error in one line. */
function report(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  console.error(`error: ${message.replaceAll(/\s+/g, " ")}`);
}

try {
  const flags = parseFlags(Deno.args);
  if (flags.help) console.log(HELP);
  else await serve(flags);
} catch (error) {
  report(error);
  Deno.exit(1);
}
