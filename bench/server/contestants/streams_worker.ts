// Serves a connection whose streams were transferred here.
import { type Channel, serve, type Work } from "../http.ts";
import { post, receive } from "./worker_scope.ts";

interface Transferred {
  readable: ReadableStream<Uint8Array>;
  writable: WritableStream<Uint8Array>;
  work: Work;
}

receive(async ({ readable, writable, work }: Transferred) => {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  try {
    await serve(channel(reader, writer), work);
    await writer.close();
    await reader.cancel();
  } catch {
    // Reset by the client.
  }
});
post("ready");

function channel(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
): Channel {
  return {
    async read(target) {
      const { value } = await reader.read();
      if (value === undefined) return null;
      target.set(value); // the benchmark's requests fit
      return value.length;
    },
    async write(bytes) {
      await writer.write(bytes);
      return bytes.length;
    },
  };
}
