// The example server as a user runs it, a line on the console for each request included.
import { fileURLToPath } from "node:url";
import { lines } from "./lines.ts";

const SERVER = fileURLToPath(
  new URL("../../examples/server.ts", import.meta.url),
);

/** Its row. */
export const EXAMPLE = { name: "example", title: "the example server" };

/** Starts it on a free port; its output is read as a terminal would read it. */
export async function startExample(): Promise<
  AsyncDisposable & { pid: number; ready: { port: number } }
> {
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--quiet", "--allow-net", "--allow-read"],
      ...[SERVER, "--port", "0"],
    ],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
  }).spawn();
  const output = lines(process.stdout);
  const { value: listening } = await output.next();
  const port = Number(/:(\d+)$/.exec(listening ?? "")?.[1]);
  const read = (async () => {
    for await (const _ of output);
  })();
  return {
    pid: process.pid,
    ready: { port },
    async [Symbol.asyncDispose]() {
      process.kill("SIGKILL");
      await Promise.all([process.status, read]);
    },
  };
}
