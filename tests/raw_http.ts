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

/** Sends `text` at once and reads the response. */
export async function request(
  port: number,
  text: string,
): Promise<RawResponse> {
  using conn = await connect(port);
  await send(conn, text);
  return parseResponse(await readToEnd(conn));
}

export async function send(conn: Deno.Conn, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  for (let sent = 0; sent < bytes.length;) {
    sent += await conn.write(bytes.subarray(sent));
  }
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
  return new Blob(chunks).bytes();
}

/** Splits a response; what does not look like one is refused. */
export function parseResponse(bytes: Uint8Array): RawResponse {
  // One character a byte, so that a position in the text is one in the bytes.
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  const match = /^HTTP\/1\.1 (\d{3}) [^\r\n]+\r\n((?:[^\r\n]+\r\n)+)\r\n/
    .exec(text);
  if (!match) throw new Error(`Expected a response, got ${inspect(text)}`);
  const headers = match[2].trimEnd().split("\r\n").map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const body = bytes.subarray(match[0].length);
  return {
    status: Number(match[1]),
    headers: new Headers(headers as [string, string][]),
    body,
    page: new TextDecoder().decode(body),
  };
}

function inspect(text: string): string {
  return JSON.stringify(text.slice(0, 200));
}
