// The job of examples/server.ts: runs in a worker and serves one connection.
//
// It implements the part of HTTP/1.1 that a GET needs. It refuses everything else
// and then closes the connection, so a client cannot hide one request in another.
// `Deno.serve` implements the rest: see examples/serve.ts.
import { delay } from "@std/async";
import { currentJob } from "@spindle/thread-pool/worker";

/** Maximum size of a request head in bytes. */
const HEAD_LIMIT = 8 * 1024;
/** Time in ms that a client has to send a head, and to receive a response. */
const PATIENCE = 5_000;
/** Time in ms that a refused client has to read the reason. */
const LINGER = 1_000;
/** Interval in ms between checks for clients that take too long. */
const LOOK_EVERY = 500;

const HELLO = await Deno.readTextFile(new URL("./hello.html", import.meta.url));
const NOT_FOUND = await Deno.readTextFile(
  new URL("./404.html", import.meta.url),
);

const HEAD_END = "\r\n\r\n";
const REQUEST_LINE = /^([A-Z]+) ([!->@-~]+)(?:\?[!-~]*)? HTTP\/1\.([01])$/;
const HEADER = /^([!#$%&'*+.^_`|~\w-]+):([\P{Cc}\t]*)$/u;

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1"); // one character per byte

interface Answer {
  status: string;
  page: string;
  /** Whether to omit the page, as in the answer to HEAD. */
  headOnly?: boolean;
  /** Whether the client can send another request. */
  keepAlive: boolean;
  /** Whether the client may still be sending the refused request. */
  isRefusal?: boolean;
}

/** Serves requests one after the other. The pool closes the connection afterwards. */
export async function handle_connection(
  conn: Deno.Conn,
  stopping: AbortSignal,
): Promise<void> {
  print(`Worker ${currentJob()?.workerId} got a job; executing.`);
  for (let input = "";;) {
    const read = await within(PATIENCE, readHead(conn, input));
    if (read === undefined) return; // the client has disconnected or is silent
    const end = read.indexOf(HEAD_END);
    const isWhole = end >= 0 && end <= HEAD_LIMIT;
    const answer = isWhole
      ? await answerTo(read.slice(0, end))
      : refuse("431 Request Header Fields Too Large");
    if (stopping.aborted) answer.keepAlive = false;
    input = read.slice(end + HEAD_END.length);

    if (!await within(PATIENCE, writeAll(conn, encode(answer)))) return;
    if (answer.keepAlive) continue;
    // A client that asked to close, and has sent nothing else, sends nothing more.
    const mayBeSending = answer.isRefusal || stopping.aborted || input !== "";
    if (mayBeSending) await within(LINGER, linger(conn));
    return;
  }
}

/** Reads until the input has a whole head; `undefined` if the client leaves first. */
async function readHead(
  conn: Deno.Conn,
  input: string,
): Promise<string | undefined> {
  const buffer = new Uint8Array(HEAD_LIMIT);
  while (!input.includes(HEAD_END) && input.length <= HEAD_LIMIT) {
    const count = await conn.read(buffer);
    if (count === null) return undefined;
    input += decoder.decode(buffer.subarray(0, count));
  }
  return input;
}

async function answerTo(head: string): Promise<Answer> {
  const [requestLine, ...lines] = head.split("\r\n");
  const [, method, path, minor] = REQUEST_LINE.exec(requestLine) ?? [];
  const headers = lines.map((line) => HEADER.exec(line));
  if (method === undefined || headers.includes(null)) {
    return refuse("400 Bad Request");
  }
  const all = (name: string) =>
    headers.filter((header) => header![1].toLowerCase() === name)
      .map((header) => header![2].trim().toLowerCase());
  const hosts = all("host").length;
  if (hosts > 1 || hosts === 0 && minor === "1") {
    return refuse("400 Bad Request");
  }
  const hasBody = all("transfer-encoding").length > 0 ||
    all("content-length").some((length) => length !== "0");
  if (hasBody) return refuse("413 Content Too Large");
  if (method !== "GET" && method !== "HEAD") {
    return refuse("501 Not Implemented");
  }
  const keepAlive = minor === "1" &&
    !all("connection").join().split(/[ \t]*,[ \t]*/).includes("close");
  if (path === "/sleep") await delay(5_000);
  const [status, page] = path === "/" || path === "/sleep"
    ? ["200 OK", HELLO]
    : ["404 Not Found", NOT_FOUND];
  return { status, page, headOnly: method === "HEAD", keepAlive };
}

function refuse(status: string): Answer {
  const page = `<!DOCTYPE html>\n<title>Oops!</title>\n<h1>${status}</h1>\n`;
  return { status, page, keepAlive: false, isRefusal: true };
}

function encode({ status, page, headOnly, keepAlive }: Answer): Uint8Array {
  const head = [
    `HTTP/1.1 ${status}`,
    `Date: ${new Date().toUTCString()}`,
    "Content-Type: text/html; charset=utf-8",
    `Content-Length: ${encoder.encode(page).length}`,
    `Connection: ${keepAlive ? "keep-alive" : "close"}`,
  ].join("\r\n");
  return encoder.encode(head + HEAD_END + (headOnly ? "" : page));
}

async function writeAll(conn: Deno.Conn, bytes: Uint8Array): Promise<true> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await conn.write(bytes.subarray(sent));
  }
  return true;
}

/** Reads the rest: closing with unread input can destroy the response. */
async function linger(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(HEAD_LIMIT);
  await conn.closeWrite();
  while (await conn.read(buffer) !== null);
}

/** The current waits for clients: how to end each wait, and when. */
const waiting = new Map<() => void, number>();

// A timer per wait would add a sixth to the processor time of a request.
Deno.unrefTimer(setInterval(() => {
  const now = performance.now();
  for (const [stop, due] of waiting) if (due <= now) stop();
}, LOOK_EVERY));

/** Returns the promise's value, or `undefined` if it takes longer than `ms`. */
async function within<T>(
  ms: number,
  promise: Promise<T>,
): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const stop = () => resolve(undefined);
  waiting.set(stop, performance.now() + ms);
  try {
    return await Promise.race([promise, late]);
  } finally {
    waiting.delete(stop);
  }
}

/** Prints a line. `console.log` would add at least a tenth to the cost of a request. */
function print(line: string): void {
  try {
    Deno.stdout.writeSync(encoder.encode(`${line}\n`));
  } catch (error) {
    // The reader of the output has gone, but the server continues.
    if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
  }
}
