// A `TransformStream` among the arguments of a job, and in its result.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { chunksOf, streamSuite, through } from "./streams.ts";

streamSuite("A TransformStream", {
  "execute() moves a TransformStream in": async ({ pool }) => {
    const stream = new TransformStream<string, string>({
      transform: (chunk, controller) => controller.enqueue(`${chunk}!`),
    });
    const job = pool.execute(
      async ([{ stream }]: { stream: TransformStream }[]) => {
        const through = ReadableStream.from(["a", "b"]).pipeThrough(stream);
        const chunks = await Array.fromAsync(through);
        return [stream instanceof TransformStream, ...chunks];
      },
      [[{ stream }]],
    );
    assert(stream.readable.locked && stream.writable.locked);
    assertEquals(await job, [true, "a!", "b!"]);
  },

  "execute() moves a TransformStream out, and into another job": async (t) => {
    const stream = await t.pool.execute(() =>
      new TransformStream<string, string>({
        transform: (chunk, controller) => controller.enqueue(`${chunk}!`),
      })
    );
    assertInstanceOf(stream, TransformStream);
    const { readable, writable } = await through(t.make(), stream);
    const writer = writable.getWriter();
    writer.write("a");
    writer.close();
    assertEquals(await chunksOf(readable), ["a!"]);
  },

  "execute() ends a TransformStream that its job does not use": async (t) => {
    const cancelled = Promise.withResolvers<unknown>();
    const stream = new TransformStream({ cancel: cancelled.resolve });
    await t.pool.execute((_: TransformStream) => {}, [stream]);
    assertInstanceOf(await cancelled.promise, Error);
  },

  "TransformStream fails on both sides": async ({ pool }) => {
    const stream = new TransformStream({
      transform: () => {
        throw new RangeError("cannot");
      },
    });
    const outcomes = await pool.execute(
      async ({ readable, writable }: TransformStream) => {
        const writer = writable.getWriter();
        writer.write("a").catch(() => {});
        return await Promise.all([
          readable.getReader().read().then(String, String),
          writer.closed.then(String, String),
        ]);
      },
      [stream],
    );
    assertEquals(outcomes, ["RangeError: cannot", "RangeError: cannot"]);
  },

  "CompressionStream and others accept what a job reads": async ({ pool }) => {
    const text = "grüße ".repeat(10_000);
    type Bytes = ReadableStream<Uint8Array<ArrayBuffer>>;
    const zipped = await pool.execute(
      (text: Bytes) => text.pipeThrough(new CompressionStream("gzip")),
      [new Blob([text]).stream()],
    );
    const parts = await pool.execute(
      (zipped: Bytes) =>
        zipped.pipeThrough(new DecompressionStream("gzip"))
          .pipeThrough(new TextDecoderStream()),
      [zipped],
    );
    assertEquals((await chunksOf(parts)).join(""), text);
  },
});

Deno.test("close() lets a program that moved a TransformStream exit", async () => {
  const program = `
    import { ThreadPool, transfer } from "@spindle/thread-pool";
    const pool = new ThreadPool(1);
    const use = (_) => {};
    await pool.execute(use, [new TransformStream()]);
    await pool.execute(use, [transfer(new TransformStream())]);
    await pool.close();
  `;
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", program],
    cwd: new URL("..", import.meta.url),
    signal: AbortSignal.timeout(15_000),
  }).output();
  assertEquals(code, 0);
});
