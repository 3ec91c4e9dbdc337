// A `TransformStream` among the arguments of a job, and in its result.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { ThreadPool } from "@spindle/thread-pool";
import { poolTest } from "./live_workers.ts";
import { chunksOf } from "./streams.ts";

function upper(): TransformStream<string, string> {
  return new TransformStream({
    transform: (chunk, controller) => controller.enqueue(chunk.toUpperCase()),
  });
}

poolTest("a TransformStream moves into a job by itself", async () => {
  await using pool = new ThreadPool(1);
  const stream = upper();
  const job = pool.execute(async ({ deep: [stream] }: {
    deep: TransformStream<string, string>[];
  }) => {
    const chunks = [];
    const through = ReadableStream.from(["a", "b"]).pipeThrough(stream);
    for await (const chunk of through) chunks.push(chunk);
    return [stream instanceof TransformStream, ...chunks];
  }, [{ deep: [stream] }]);
  assert(stream.readable.locked && stream.writable.locked);
  assertEquals(await job, [true, "A", "B"]);
});

poolTest("a TransformStream moves out of a job, and into another", async () => {
  await using pool = new ThreadPool(2);
  const stream = await pool.execute(() =>
    new TransformStream<string, string>({
      transform: (chunk, controller) => controller.enqueue(`${chunk}!`),
    })
  );
  assertInstanceOf(stream, TransformStream);
  const chunks = await pool.execute(
    async ({ readable, writable }: TransformStream<string, string>) => {
      const writer = writable.getWriter();
      writer.write("a");
      writer.close();
      return await Array.fromAsync(readable);
    },
    [stream],
  );
  assertEquals(chunks, ["a!"]);
});

poolTest("a TransformStream that is not used ends with its job", async () => {
  await using pool = new ThreadPool(1);
  const cancelled = Promise.withResolvers<unknown>();
  const stream = new TransformStream({ cancel: cancelled.resolve });
  await pool.execute((_: TransformStream) => {}, [stream]);
  assertInstanceOf(await cancelled.promise, Error);
  await pool.drain();
});

poolTest(
  "an error of a TransformStream arrives at both its sides",
  async () => {
    await using pool = new ThreadPool(1);
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
);

poolTest("a program with a TransformStream ends after close()", async () => {
  const program = `
    import { ThreadPool, transfer } from "@spindle/thread-pool";
    const pool = new ThreadPool(1);
    const use = (_) => {};
    await pool.execute(use, [new TransformStream()]);
    await pool.execute(use, [transfer(new TransformStream())]);
    await pool.close();
  `;
  const file = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(file, program);
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--config", "deno.json", file],
    cwd: new URL("..", import.meta.url),
    signal: AbortSignal.timeout(15_000),
  }).output();
  await Deno.remove(file);
  assertEquals(code, 0);
});

poolTest("CompressionStream and others take what a job reads", async () => {
  await using pool = new ThreadPool(1);
  const text = "grüße ".repeat(10_000);
  const zipped = await pool.execute(
    (text: ReadableStream<Uint8Array<ArrayBuffer>>) =>
      text.pipeThrough(new CompressionStream("gzip")),
    [new Blob([text]).stream()],
  );
  const parts = await pool.execute(
    (zipped: ReadableStream<Uint8Array<ArrayBuffer>>) =>
      zipped.pipeThrough(new DecompressionStream("gzip"))
        .pipeThrough(new TextDecoderStream()),
    [zipped],
  );
  assertEquals((await chunksOf(parts)).join(""), text);
});
