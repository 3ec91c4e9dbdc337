// Short byte chunks travel together in one shared buffer. Handlers and callers must
// receive each chunk in its own buffer.
import { assert, assertEquals } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { test } from "./pools.ts";
import { tcpPair, writeAll } from "./sockets.ts";

/** Returns chunks of 1, 2, … bytes, one per turn of the event loop. */
function shortChunks(count: number): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    async pull(controller) {
      await new Promise((resolve) => setTimeout(resolve));
      if (next === count) return controller.close();
      controller.enqueue(new Uint8Array(++next).fill(next));
    },
  });
}

/** Returns the lengths of chunks and of their buffers; detaches each buffer. */
async function sizesOf(
  stream: ReadableStream<Uint8Array>,
): Promise<[number, number][]> {
  const sizes: [number, number][] = [];
  for await (const chunk of stream) {
    sizes.push([chunk.length, chunk.buffer.byteLength]);
    // If the buffer were shared, this would also detach the next chunks.
    structuredClone(chunk.buffer, { transfer: [chunk.buffer as ArrayBuffer] });
  }
  return sizes;
}

const COUNT = 5;
const OWN = Array.from({ length: COUNT }, (_, i) => [i + 1, i + 1]);

test("chunks of a stream that moved into a job share no buffer", async () => {
  await using pool = new ThreadPool(1);
  const sizes = await pool.execute(sizesOf, [shortChunks(COUNT)]);
  assertEquals(sizes, OWN);
});

test("chunks of a stream that moved out of a job share no buffer", async () => {
  await using pool = new ThreadPool(1);
  const stream = await pool.execute(shortChunks, [COUNT]);
  assertEquals(await sizesOf(stream), OWN);
});

test("chunks that a job writes share no buffer", async () => {
  await using pool = new ThreadPool(1);
  const sizes: number[][] = [];
  const sink = new WritableStream<Uint8Array>({
    write: (chunk) => void sizes.push([chunk.length, chunk.buffer.byteLength]),
  });
  await pool.execute(
    async (sink: WritableStream<Uint8Array>, count: number) => {
      const writer = sink.getWriter();
      for (let i = 1; i <= count; i++) {
        await writer.write(new Uint8Array(i));
        await new Promise((resolve) => setTimeout(resolve));
      }
      await writer.close();
    },
    [sink, COUNT],
  );
  assertEquals(sizes, OWN);
});

test("chunks of a moved connection share no buffer", async () => {
  await using pool = new ThreadPool(1);
  const { client, server } = await tcpPair();
  const job = pool.execute(async (conn: Deno.Conn) => {
    const sizes: number[][] = [];
    for await (const chunk of conn.readable) {
      sizes.push([chunk.length, chunk.buffer.byteLength]);
      structuredClone(chunk.buffer, { transfer: [chunk.buffer] });
      await conn.write(new Uint8Array(1));
    }
    return sizes;
  }, [server]);
  const answer = new Uint8Array(1);
  for (let i = 1; i <= COUNT; i++) {
    await writeAll(client, new Uint8Array(i));
    assertEquals(await client.read(answer), 1);
  }
  client.close();
  assertEquals(await job, OWN);
});

test("a request body of short chunks arrives complete in a job", async () => {
  await using pool = new ThreadPool(1);
  const body = shortChunks(COUNT);
  const request = new Request("http://localhost/", { method: "POST", body });
  const length = await pool.execute(async (request: Request) => {
    return (await request.arrayBuffer()).byteLength;
  }, [request]);
  assertEquals(length, COUNT * (COUNT + 1) / 2);
  assert(request.bodyUsed);
});
