// The streams of a connection, made of what reads from it and writes to it.

import { expected } from "../expected.ts";

/** What the streams of a connection are made of. */
export interface ConnSource {
  /** Reads as many bytes as the target takes, at most; `null` at the end. */
  read(target: Uint8Array): Promise<number | null>;
  /** The next bytes, which are nobody else's; `null` at the end. */
  readChunk(): Promise<Uint8Array<ArrayBuffer> | null>;
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

/** What is read from a connection. */
export function readableOf(
  source: ConnSource,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    pull: (controller) => pull(source, controller),
    cancel: () => source.close(),
  }, { highWaterMark: 0 });
}

async function pull(
  source: ConnSource,
  controller: ReadableByteStreamController,
): Promise<void> {
  const { byobRequest } = controller;
  if (byobRequest) {
    // What does not fit into the reader's buffer stays for other reads.
    const count = await source.read(byobRequest.view as Uint8Array);
    if (count !== null) return byobRequest.respond(count);
  } else {
    const chunk = await source.readChunk();
    if (chunk !== null) return controller.enqueue(chunk);
  }
  controller.close();
  controller.byobRequest?.respond(0);
}

/** What is written to a connection. */
export function writableOf(
  source: ConnSource,
): WritableStream<Uint8Array<ArrayBufferLike>> {
  return new WritableStream({
    write: (chunk) => writeAll(source, chunk),
    close: () => source.closeWrite(),
    abort: () => source.close(),
  });
}

async function writeAll(source: ConnSource, chunk: unknown): Promise<void> {
  try {
    const bytes = bytesOf(chunk);
    let written = await source.write(bytes);
    while (written < bytes.length) {
      written += await source.write(bytes.subarray(written));
    }
  } catch (error) {
    // The stream has failed, and the connection with it, as natively.
    source.close();
    throw error;
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  if (ArrayBuffer.isView(chunk)) {
    return new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  }
  if (chunk instanceof ArrayBuffer || chunk instanceof SharedArrayBuffer) {
    return new Uint8Array(chunk);
  }
  throw expected("chunk", "an ArrayBuffer or a view of one", chunk);
}
