// The example server as a user runs it, a line on the console for each request included.
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(
  new URL("../../examples/server.ts", import.meta.url),
);

/** Its row. */
export const EXAMPLE = { name: "example", title: "the example server" };

/**
 * Starts it on a free port. It prints into a file: whoever reads a pipe beside it
 * takes its cores, and a sixth of what it serves (5 pairs).
 */
export async function startExample(): Promise<
  AsyncDisposable & { pid: number; ready: { port: number } }
> {
  const output = await Deno.makeTempFile();
  const process = new Deno.Command("sh", {
    args: [
      ...["-c", 'exec "$@" >"$0"', output],
      ...[Deno.execPath(), "run", "--quiet", "--allow-net", "--allow-read"],
      ...[SERVER, "--port", "0"],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).spawn();
  const port = await portIn(output, process);
  return {
    pid: process.pid,
    ready: { port },
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await process.status;
      await Deno.remove(output);
    },
  };
}

/** The port that a process prints into a file. */
async function portIn(
  output: string,
  process: Deno.ChildProcess,
): Promise<number> {
  let code: number | undefined;
  process.status.then((status) => code = status.code);
  for (; code === undefined; await delay(10)) {
    const [, port] = /:(\d+)\n/.exec(await Deno.readTextFile(output)) ?? [];
    if (port !== undefined) return Number(port);
  }
  throw new Error(`The example has ended with ${code}`);
}
