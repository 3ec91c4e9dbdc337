// A raw TCP client of the web server: it decides byte by byte what is sent.

/** A response as it came over the wire. */
export interface RawResponse {
  status: number;
  headers: Headers;
  body: Uint8Array;
  page: string;
}

export function connect(port: number): Promise<Deno.TcpConn> {
  return Deno.connect({ hostname: "127.0.0.1", port });
}

/** Sends `text` at once, over a connection of its own, and reads the response. */
export async function request(
  port: number,
  text: string,
): Promise<RawResponse> {
  using conn = await connect(port);
  await send(conn, text);
  return await readResponse(conn, { headOnly: text.startsWith("HEAD ") });
}

export async function send(
  conn: Deno.Conn,
  data: string | Uint8Array,
): Promise<void> {
  const bytes = toBytes(data);
  for (let sent = 0; sent < bytes.length;) {
    sent += await conn.write(bytes.subarray(sent));
  }
}

/** Reads one response, and complains of bytes after it. */
export async function readResponse(
  conn: Deno.Conn,
  { headOnly = false } = {},
): Promise<RawResponse> {
  let bytes = new Uint8Array();
  const buffer = new Uint8Array(64 * 1024);
  for (let count; (count = await conn.read(buffer)) !== null;) {
    bytes = concat([bytes, buffer.subarray(0, count)]);
    const [response, rest] = takeResponse(bytes, headOnly) ?? [];
    if (response === undefined) continue;
    if (rest?.length) throw new Error(`Unexpected: ${inspect(toText(rest))}`);
    return response;
  }
  throw new Error(`Expected a response, got ${inspect(toText(bytes))}`);
}

/** Everything the server sends until it closes the connection. */
export async function readToEnd(
  conn: Deno.Conn,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(4096);
  for (let count; (count = await conn.read(buffer)) !== null;) {
    chunks.push(buffer.slice(0, count));
  }
  return concat(chunks);
}

/** Parses the one response that the bytes are. */
export function parseResponse(bytes: Uint8Array): RawResponse {
  const responses = parseResponses(bytes);
  if (responses.length === 1) return responses[0];
  throw new Error(`Expected a response, got ${inspect(toText(bytes))}`);
}

/** Parses responses, of which those of the `headOnly` numbers have no body. */
export function parseResponses(
  bytes: Uint8Array,
  headOnly: number[] = [],
): RawResponse[] {
  const responses: RawResponse[] = [];
  while (bytes.length > 0) {
    const taken = takeResponse(bytes, headOnly.includes(responses.length));
    if (taken === undefined) {
      throw new Error(`Expected a response, got ${inspect(toText(bytes))}`);
    }
    responses.push(taken[0]);
    bytes = taken[1];
  }
  return responses;
}

export function toBytes(data: string | Uint8Array): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}

export function concat(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

/** The first response and what follows it, once that response is whole. */
function takeResponse(
  bytes: Uint8Array,
  headOnly: boolean,
): [RawResponse, Uint8Array] | undefined {
  const text = toText(bytes.subarray(0, 4096));
  const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]+\r\n((?:[^\r\n]+\r\n)*)\r\n/
    .exec(text);
  if (!match) return undefined;
  const status = Number(match[1]);
  const headers = new Headers(
    match[2].split("\r\n").slice(0, -1).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }) as [string, string][],
  );
  const hasBody = !headOnly && status >= 200;
  const end = match[0].length +
    (hasBody ? Number(headers.get("content-length")) : 0);
  if (bytes.length < end) return undefined;
  const body = bytes.slice(match[0].length, end);
  const page = new TextDecoder().decode(body);
  return [{ status, headers, body, page }, bytes.subarray(end)];
}

/** One character a byte, so that a position in the text is one in the bytes. */
function toText(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

function inspect(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
