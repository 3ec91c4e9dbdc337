// One HTTP client on a connection of its own.
import { setTimeout as wait } from "node:timers/promises";
import { writeAll } from "./flow.ts";
import { PAGE } from "./http.ts";

const encoder = new TextEncoder();

/** Connects. */
export function connect(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Sends a request. */
export function send(conn: Deno.Conn, connection: string): Promise<void> {
  const head = [
    "GET / HTTP/1.1",
    "Host: localhost",
    `Connection: ${connection}`,
    "\r\n",
  ].join("\r\n");
  return writeAll(conn, encoder.encode(head));
}

/** Whether the small page arrives. */
export async function answered(conn: Deno.Conn): Promise<boolean> {
  const buffer = new Uint8Array(4096);
  const decoder = new TextDecoder();
  let text = "";
  while (!text.endsWith(PAGE)) {
    const count = await conn.read(buffer);
    if (count === null) return false;
    text += decoder.decode(buffer.subarray(0, count));
  }
  return text.startsWith("HTTP/1.1 200 ");
}

/** How many of so many requests at once are answered; it warms a server, too. */
export async function ask(port: number, count: number): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: count }, () => askOnce(port)),
  );
  return answers.filter(Boolean).length;
}

async function askOnce(port: number): Promise<boolean> {
  using conn = await connect(port);
  return await within(10, send(conn, "close").then(() => answered(conn)));
}

/** The promise's value, or `false` if it fails or takes longer than so many seconds. */
export async function within(
  seconds: number,
  promise: Promise<boolean>,
): Promise<boolean> {
  const late = new AbortController();
  try {
    return await Promise.race([
      promise,
      wait(seconds * 1000, false, { signal: late.signal }),
    ]);
  } catch {
    return false;
  } finally {
    late.abort();
  }
}
