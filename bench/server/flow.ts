// Many bytes through a connection, in either direction: by read and write, and by its streams.

const CHUNK = 64 * 1024;
const MIB = 1024 * 1024;

/** Reads to the end, which comes after so many MiB. */
export async function drain(
  conn: Pick<Deno.Conn, "read">,
  mib: number,
): Promise<void> {
  const buffer = new Uint8Array(CHUNK);
  let bytes = 0;
  for (;;) {
    const count = await conn.read(buffer);
    if (count === null) return checkSize(bytes, mib);
    bytes += count;
  }
}

/** `drain` by the stream. */
export async function drainStream(
  { readable }: Pick<Deno.Conn, "readable">,
  mib: number,
): Promise<void> {
  let bytes = 0;
  for await (const chunk of readable) bytes += chunk.length;
  checkSize(bytes, mib);
}

/** Writes so many MiB. */
export async function pour(
  conn: Pick<Deno.Conn, "write">,
  mib: number,
): Promise<void> {
  const chunk = new Uint8Array(CHUNK);
  for (let left = mib * MIB; left > 0; left -= CHUNK) {
    await writeAll(conn, chunk);
  }
}

/** `pour` by the stream. */
export async function pourStream(
  { writable }: Pick<Deno.Conn, "writable">,
  mib: number,
): Promise<void> {
  const chunk = new Uint8Array(CHUNK);
  const writer = writable.getWriter();
  for (let left = mib * MIB; left > 0; left -= CHUNK) await writer.write(chunk);
  await writer.close();
}

/** Writes all of it, in as many writes as that takes. */
export async function writeAll(
  conn: Pick<Deno.Conn, "write">,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await conn.write(sent === 0 ? bytes : bytes.subarray(sent));
  }
}

function checkSize(bytes: number, mib: number): void {
  if (bytes === mib * MIB) return;
  throw new Error(`Expected ${mib * MIB} bytes, got ${bytes}`);
}
