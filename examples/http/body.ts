// The body of a request, of a known length or in chunks.
import { type Head, parseHeaders } from "./head.ts";
import type { Input } from "./input.ts";
import { BODY_LIMIT, Refusal } from "./refusal.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

const NO_BODY = new Uint8Array();
const CHUNK_LINE = /^([\da-f]{1,16})(?:[ \t]*;[\P{Cc}\t]*)?$/iu;
const CHUNK_LINE_LIMIT = 256;

/**
 * Reads a body to its end, where the next request begins; `undefined` if the
 * client leaves before.
 *
 * @throws {Refusal} If it is malformed or too large
 */
export function readBody(
  input: Input,
  length: Head["body"],
): Promise<Bytes | undefined> | Bytes {
  if (length === "chunked") return readChunks(input);
  return length === 0 ? NO_BODY : input.fill(new Uint8Array(length));
}

async function readChunks(input: Input): Promise<Bytes | undefined> {
  let body: Bytes = new Uint8Array(1024);
  let length = 0;
  for (;;) {
    const line = await input.line(CHUNK_LINE_LIMIT);
    if (line === undefined) return undefined;
    const end = length + chunkSize(line);
    if (end === length) break;
    if (end > BODY_LIMIT) throw new Refusal(413);
    body = withRoom(body, end);
    if (!await input.fill(body.subarray(length, end))) return undefined;
    length = end;
    const lineEnd = await input.fill(new Uint8Array(2));
    if (lineEnd === undefined) return undefined;
    if (lineEnd[0] !== 13 || lineEnd[1] !== 10) throw new Refusal(400);
  }
  const trailers = await input.lines();
  if (trailers === undefined) return undefined;
  parseHeaders(trailers); // nothing here wants them, but they are to be well-formed
  return body.subarray(0, length);
}

function chunkSize(line: string): number {
  const [, digits] = CHUNK_LINE.exec(line) ?? [];
  if (digits === undefined) throw new Refusal(400);
  return Number.parseInt(digits, 16);
}

/** The bytes, or a copy at least twice as long: so many small chunks stay cheap. */
function withRoom(bytes: Bytes, length: number): Bytes {
  if (length <= bytes.length) return bytes;
  const longer = new Uint8Array(Math.max(length, 2 * bytes.length));
  longer.set(bytes);
  return longer;
}
