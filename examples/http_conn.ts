// HTTP/1.1 over a connection that serves one request: read its head, write a response, part.

/** What a request asks for. */
export interface Head {
  method: string;
  target: string;
  /** Whether bytes follow the head. */
  hasMore: boolean;
}

const HEAD_LIMIT = 8 * 1024;
const REQUEST_LINE = /^([!#$%&'*+.^_`|~\w-]+) ([!-~]+) HTTP\/1\.\d$/;
const HEADER = /^[!#$%&'*+.^_`|~\w-]+:(?:\P{Cc}|\t)*$/u;
const BODY_HEADER = /^(?:content-length|transfer-encoding):/i;
const LONE_LINE_FEED = /(?<!\r)\n/;

/**
 * Reads a request up to its empty line. A bad one gives the status that answers
 * it: 400 when malformed, 431 over 8 KiB. `undefined` means that nobody waits for
 * an answer: the client closed before its head was whole, or sent nothing for
 * `silence` ms.
 */
export async function readHead(
  conn: Deno.Conn,
  silence: number,
): Promise<Head | 400 | 431 | undefined> {
  const buffer = new Uint8Array(HEAD_LIMIT);
  let length = 0;
  while (length < HEAD_LIMIT) {
    const count = await within(conn.read(buffer.subarray(length)), silence);
    if (count === null) return undefined;
    length += count;

    const text = new TextDecoder().decode(buffer.subarray(0, length));
    const end = text.indexOf("\r\n\r\n");
    if (end >= 0) return parseHead(text.slice(0, end), text.length > end + 4);
    // Malformed already, and the client may be waiting: no need to read on.
    if (LONE_LINE_FEED.test(text)) return 400;
  }
  return 431;
}

function parseHead(text: string, hasRest: boolean): Head | 400 {
  const [requestLine, ...headers] = text.split("\r\n");
  const [, method, target] = REQUEST_LINE.exec(requestLine) ?? [];
  if (!target || !headers.every((header) => HEADER.test(header))) return 400;
  const hasMore = hasRest || headers.some((header) => BODY_HEADER.test(header));
  return { method, target, hasMore };
}

/** Writes all of a response, whose page `withPage: false` leaves out (for `HEAD`). */
export async function writeResponse(
  conn: Deno.Conn,
  status: string,
  page: string,
  { withPage }: { withPage: boolean },
): Promise<void> {
  const encoder = new TextEncoder();
  const head = [
    `HTTP/1.1 ${status}`,
    "Content-Type: text/html; charset=utf-8",
    `Content-Length: ${encoder.encode(page).length}`,
    "Connection: close",
  ].join("\r\n");
  const bytes = encoder.encode(`${head}\r\n\r\n${withPage ? page : ""}`);
  for (let sent = 0; sent < bytes.length;) {
    sent += await conn.write(bytes.subarray(sent));
  }
}

/**
 * Parts from a client that may still be sending: to close with input unread
 * resets the connection, and that can destroy the response on its way.
 */
export async function linger(conn: Deno.Conn, ms: number): Promise<void> {
  await conn.closeWrite();
  await within(discardInput(conn), ms);
}

async function discardInput(conn: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(16 * 1024);
  while (await conn.read(buffer) !== null);
}

/** The promise's value, or `null` once `ms` have passed. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | null> {
  const { promise: timeout, resolve } = Promise.withResolvers<null>();
  const timer = setTimeout(resolve, ms, null);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
