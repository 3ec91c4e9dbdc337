// The web server's job: it runs in a worker, reads a request and writes the response.
import { currentJob } from "@spindle/thread-pool/worker";
import { type Head, linger, readHead, writeResponse } from "./http_conn.ts";

/** What `handle_connection` is to know besides the connection; all in ms. */
export interface ConnectionOptions {
  /** How long `GET /sleep` holds its worker. */
  delay: number;
  /** How long a client may send nothing before it is closed. */
  silence?: number;
}

/** A status line's status, and the page that says it. */
type Answer = [status: string, heading: string, text: string];

const HELLO: Answer = ["200 OK", "Hello!", "Hi from Deno"];
const NOT_FOUND: Answer = ["404 Not Found", "Oops!", "There is no such page."];
const BAD_REQUEST: Record<400 | 431, Answer> = {
  400: ["400 Bad Request", "Pardon?", "That is not an HTTP request."],
  431: [
    "431 Request Header Fields Too Large",
    "Too long!",
    "The head of a request ends within 8 KiB.",
  ],
};

/** Serves one request. The pool closes the connection when the job ends. */
export async function handle_connection(
  conn: Deno.Conn,
  { delay, silence = 5_000 }: ConnectionOptions,
): Promise<void> {
  console.log(`Worker ${currentJob()?.workerId} got a job; executing.`);

  const head = await readHead(conn, silence);
  if (head === undefined) return;

  const isBad = typeof head === "number";
  const [status, heading, text] = isBad
    ? BAD_REQUEST[head]
    : route(head, delay);
  const withPage = isBad || head.method !== "HEAD";
  await writeResponse(conn, status, renderPage(heading, text), { withPage });
  if (isBad || head.hasMore) await linger(conn, 500);
}

function route({ method, target }: Head, delay: number): Answer {
  if (method !== "GET" && method !== "HEAD") return NOT_FOUND;
  if (target === "/sleep") sleep(delay);
  return target === "/" || target === "/sleep" ? HELLO : NOT_FOUND;
}

/** Blocks this thread, and with it nobody but this worker. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function renderPage(heading: string, text: string): string {
  return `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>${heading} 🦕</title>
  </head>
  <body>
    <h1>${heading}</h1>
    <p>${text}</p>
  </body>
</html>
`;
}
