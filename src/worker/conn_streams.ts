// The streams of a connection, made of what reads from it and writes to it.

/** What the streams of a connection are made of. */
export interface ConnSource {
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
    async pull(controller) {
      const chunk = await source.readChunk();
      if (chunk !== null) return controller.enqueue(chunk);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    cancel: () => source.close(),
  }, { highWaterMark: 0 });
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

async function writeAll(source: ConnSource, bytes: Uint8Array): Promise<void> {
  let written = await source.write(bytes);
  while (written < bytes.length) {
    written += await source.write(bytes.subarray(written));
  }
}
