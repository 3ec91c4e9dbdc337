// The Rust Book's last chapter in Deno: a web server whose connections are jobs of a thread pool.
//
//   deno run -A examples/server.ts [--port 7878] [--size 4] [--delay 10000]
//
// GET / says hello. GET /sleep says it after a delay, which holds one worker and no other.
import { delay as wait } from "@std/async";
import { ThreadPool } from "@spindle/thread-pool";
import { HELP, parseFlags, type ServerFlags } from "./server_flags.ts";
import type * as jobs from "./server_jobs.ts";

async function serve({ port, size, delay }: ServerFlags): Promise<void> {
  await using pool = new ThreadPool<typeof jobs>({
    module: new URL("./server_jobs.ts", import.meta.url),
    size,
    queue: { capacity: 64 },
  });
  const listener = listen(port);
  let stopping = false;
  onStopSignal(() => {
    if (!stopping) listener.close();
    stopping = true;
  });
  console.log(`Listening on 127.0.0.1:${listener.addr.port}`);

  for (;;) {
    await pool.ready(); // room in the queue first; until then clients wait in the backlog
    try {
      const conn = await listener.accept();
      pool.execute("handle_connection", [conn, { delay }]).catch(report);
    } catch (error) {
      if (stopping) return; // leaving the scope finishes the jobs that were accepted
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
