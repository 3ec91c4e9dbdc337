// Connected pairs of local sockets, and helpers to read and write them.

import { connect } from "node:net";

/** Both ends of a connection. */
export interface Pair {
  client: Deno.Conn;
  server: Deno.Conn;
}

export async function tcpPair(): Promise<
  { client: Deno.TcpConn; server: Deno.TcpConn }
> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  const [client, server] = await Promise.all([
    Deno.connect({ hostname: "127.0.0.1", port }),
    listener.accept(),
  ]);
  return { client, server };
}

export async function unixPair(): Promise<
  { client: Deno.UnixConn; server: Deno.UnixConn }
> {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/socket`;
  try {
    using listener = Deno.listen({ transport: "unix", path });
    const [client, server] = await Promise.all([
      Deno.connect({ transport: "unix", path }),
      listener.accept(),
    ]);
    return { client, server };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Returns a connection whose client can reset it, which a `Deno.Conn` cannot. */
export async function resettablePair() {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = connect(listener.addr.port, "127.0.0.1");
  // A client that does not know yet that it is connected would end normally.
  const connected = new Promise<void>((resolve) => {
    client.once("connect", () => resolve());
  });
  const [server] = await Promise.all([listener.accept(), connected]);
  const reset = () =>
    new Promise<void>((resolve) => {
      client.once("close", () => resolve());
      client.resetAndDestroy();
    });
  return { server, reset };
}

/** Writes all of the bytes. */
export async function writeAll(
  conn: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await conn.write(bytes.subarray(written));
  }
}

/** Reads until the other side ends its part. */
export async function readAll(conn: Deno.Conn): Promise<Uint8Array> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const buffer = new Uint8Array(64 * 1024);
  for (let count; (count = await conn.read(buffer)) !== null;) {
    chunks.push(buffer.slice(0, count));
  }
  return await new Blob(chunks).bytes();
}

/** Reads text until the other side ends its part. */
export async function readText(conn: Deno.Conn): Promise<string> {
  return new TextDecoder().decode(await readAll(conn));
}

/** Returns bytes that encode their position, so that a missing byte shows. */
export function pattern(length: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(Math.ceil(length / 4));
  for (let i = 0; i < words.length; i++) words[i] = Math.imul(i, 2654435761);
  return new Uint8Array(words.buffer, 0, length);
}

/** Whether bytes are equal; faster than a deep comparison. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}

/** Writes a text. */
export async function say(conn: Deno.Conn, text: string): Promise<void> {
  await writeAll(conn, new TextEncoder().encode(text));
}

/** Writes all bytes and ends its side, and reads at the same time. */
export async function exchange(
  conn: Deno.Conn,
  bytes: Uint8Array,
): Promise<Uint8Array> {
  const [back] = await Promise.all([
    readAll(conn),
    writeAll(conn, bytes).then(() => conn.closeWrite()),
  ]);
  return back;
}

/** Does the same with texts. */
export async function ask(conn: Deno.Conn, text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return new TextDecoder().decode(await exchange(conn, bytes));
}

/** Reads `length` bytes as text. */
export async function readCount(
  conn: Deno.Conn,
  length: number,
): Promise<string> {
  const bytes = new Uint8Array(length);
  for (let read = 0; read < length;) {
    const count = await conn.read(bytes.subarray(read));
    if (count === null) {
      throw new Error(`Expected ${length} bytes, got ${read}`);
    }
    read += count;
  }
  return new TextDecoder().decode(bytes);
}
