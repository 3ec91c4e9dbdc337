// Servers for tests, whose requests are handled in this thread or by jobs.
import type * as jobs from "./fixtures/http.ts";
import { type Cases, isOldDeno, type Setting, suite } from "./moving_pools.ts";
import { readText, writeAll } from "./sockets.ts";

type Handler = (request: Request) => unknown;

/** Serves on a free port, and answers an error with its message. */
export function serve(
  handler: Handler,
  onError = (error: unknown): Response | Promise<Response> =>
    new Response(String(error), { status: 500 }),
) {
  const options = { hostname: "127.0.0.1", port: 0, onListen() {}, onError };
  const server = Deno.serve(options, handler as Deno.ServeHandler);
  const { port } = server.addr;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

/** Returns what a client receives for these bytes, each of which is a character here. */
export async function raw(port: number, text: string): Promise<string> {
  using conn = await Deno.connect({ hostname: "127.0.0.1", port });
  await writeAll(conn, Uint8Array.from(text, (char) => char.charCodeAt(0)));
  return await readText(conn);
}

/** Declares a suite for the jobs in `fixtures/http.ts`. */
export function httpSuite(
  name: string,
  cases: Cases<Setting<typeof jobs>>,
  isNative = false,
): void {
  const module = new URL("./fixtures/http.ts", import.meta.url);
  const ignore = isNative && isOldDeno;
  suite<typeof jobs>({ name, options: { module }, cases, ignore });
}
