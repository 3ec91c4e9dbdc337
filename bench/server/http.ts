// The tiny HTTP that every contestant with a connection speaks: read a head, answer, keep alive.
import { burn, spin } from "../jobs.js";
import { pour, writeAll } from "./flow.ts";

/** What a request costs its server. */
export interface Work {
  /** Steps of counted CPU work. */
  steps: number;
  /** Milliseconds of work by the clock. */
  ms: number;
  /** The size of the page, where it is not the small one. */
  mib: number;
}

/** The part of a connection that serving takes. */
export type Channel = Pick<Deno.Conn, "read" | "write">;

/** The small page. */
export const PAGE =
  "<!DOCTYPE html>\n<title>Hello</title>\n<p>Hi from Deno</p>\n";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const LAST = response("close");
const KEPT = response("keep-alive");

/** Answers until the client closes or asks for it. */
export async function serve(conn: Channel, work: Work): Promise<void> {
  const buffer = new Uint8Array(4096);
  for (let length = 0; length < buffer.length;) {
    const count = await conn.read(buffer.subarray(length));
    if (count === null) return;
    length += count;
    const head = decoder.decode(buffer.subarray(0, length));
    if (!head.endsWith("\r\n\r\n")) continue;
    length = 0;

    busy(work);
    if (work.mib > 0) return await serveLarge(conn, work.mib);
    const last = head.includes("Connection: close");
    await writeAll(conn, last ? LAST : KEPT);
    if (last) return;
  }
}

/** Serves in the thread that has accepted; a client that is gone is no error. */
export async function serveAndClose(
  conn: Deno.Conn,
  work: Work,
): Promise<void> {
  try {
    await serve(conn, work);
  } catch {
    // Reset by the client.
  } finally {
    conn.close();
  }
}

/** The CPU work of a request. */
export function busy({ steps, ms }: Work): void {
  if (steps > 0) burn(steps);
  if (ms > 0) spin(ms);
}

async function serveLarge(conn: Channel, mib: number): Promise<void> {
  await writeAll(conn, encoder.encode(head("close", mib * 1024 * 1024)));
  await pour(conn, mib);
}

function response(connection: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(head(connection, PAGE.length) + PAGE);
}

function head(connection: string, length: number): string {
  return [
    "HTTP/1.1 200 OK",
    "Content-Type: text/html; charset=utf-8",
    `Content-Length: ${length}`,
    `Connection: ${connection}`,
    "\r\n",
  ].join("\r\n");
}
