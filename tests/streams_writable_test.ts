// A `WritableStream` that has failed, or was closed, is that in a job, too,
// whenever that was.
import { assert, assertEquals, assertRejects } from "@std/assert";
import type { ThreadPool } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";
import type * as jobs from "./fixtures/streams.ts";
import { describe, Sink, streamPool } from "./streams.ts";

const USES = ["write", "close", "closed", "pipe"] as const;
const GONE = "RangeError RangeError: gone";
const FAILED = { write: GONE, close: "TypeError", closed: GONE, pipe: GONE };
const CLOSED = {
  write: "TypeError",
  close: "TypeError",
  closed: "closed",
  pipe: "TypeError",
};

/** A stream that can be made to fail at any time. */
function failing(): { stream: WritableStream; fail: () => void } {
  let controller!: WritableStreamDefaultController;
  const stream = new WritableStream({
    start: (given) => void (controller = given),
  });
  return { stream, fail: () => controller.error(new RangeError("gone")) };
}

function failed(): WritableStream {
  const { stream, fail } = failing();
  fail();
  return stream;
}

async function closed(): Promise<WritableStream> {
  const stream = new WritableStream();
  await stream.close();
  return stream;
}

/** What becomes of each use of a stream, one stream each. */
async function usesOf(
  pool: ThreadPool<typeof jobs>,
  make: () => WritableStream | Promise<WritableStream>,
): Promise<Record<string, string>> {
  const uses: Record<string, string> = {};
  for (const use of USES) {
    uses[use] = await pool.execute("useWritable", [await make(), use]);
  }
  return uses;
}

poolTest("a stream that has failed before it moves has failed", async () => {
  await using pool = streamPool();
  assertEquals(await usesOf(pool, failed), FAILED);
});

poolTest("a stream that was closed before it moves is closed", async () => {
  await using pool = streamPool();
  assertEquals(await usesOf(pool, closed), CLOSED);
});

poolTest("a stream that fails while its job waits has failed", async () => {
  await using pool = streamPool();
  using gate = new Gate();
  const held = pool.execute("blockAtGate", [gate.key]);
  await gate.arrived();
  const all = USES.map((use) => {
    const { stream, fail } = failing();
    return { fail, result: pool.execute("useWritable", [stream, use]) };
  });
  // They have been sent ahead by then, or have not.
  await new Promise((resolve) => setTimeout(resolve));
  for (const { fail } of all) fail();
  gate.open();
  const outcomes = await Promise.all(all.map(({ result }) => result));
  assertEquals(outcomes, USES.map((use) => FAILED[use]));
  await held;
  await pool.drain();
});

poolTest(
  "a stream that fails before its job goes to another worker has failed",
  async () => {
    await using pool = streamPool(2);
    using first = new Gate();
    using second = new Gate();
    const held = [first, second].map(({ key }) => {
      return pool.execute("blockAtGate", [key]);
    });
    await Promise.all([first.arrived(), second.arrived()]);
    const { stream, fail } = failing();
    const results = [stream, await closed()].map((stream) => {
      return pool.execute("useWritable", [stream, "closed"]);
    });
    // Sent ahead to one of the workers, whichever, it will start in the other.
    await new Promise((resolve) => setTimeout(resolve));
    fail();
    second.open();
    await held[1];
    // The first may hold one of them until it is free.
    const other = Promise.race(results);
    assert([GONE, "closed"].includes(await other));
    first.open();
    assertEquals(await Promise.all(results), [GONE, "closed"]);
    await held[0];
  },
);

poolTest("a stream that fails while it is written fails there", async () => {
  await using pool = streamPool();
  using gate = new Gate();
  const { stream, fail } = failing();
  const result = pool.execute("whyClosed", [stream, gate.key]);
  await gate.arrived();
  fail();
  assertEquals(await result, GONE);
  await pool.drain();
});

poolTest(
  "a stream in a result that has failed, or is closed, is that in main",
  async () => {
    await using pool = streamPool();
    const stream = await pool.execute("giveFailedWritable");
    await assertRejects(() => stream.getWriter().closed, RangeError, "gone");
    const closed = await pool.execute("giveClosedWritable");
    const writer = closed.getWriter();
    await writer.closed;
    await assertRejects(() => writer.write("late"), TypeError);
    // Nothing is open that would have to be closed.
    await pool.drain();
  },
);

poolTest(
  "a client that leaves while its job waits fails the job's pipe",
  async () => {
    await using pool = streamPool();
    using gate = new Gate();
    const held = pool.execute("blockAtGate", [gate.key]);
    await gate.arrived();
    const taken = Promise.withResolvers<{ result: Promise<string> }>();
    const left = Promise.withResolvers<void>();
    await using server = Deno.serve({ port: 0, onListen() {} }, () => {
      const { readable, writable } = new TransformStream({
        cancel: () => left.resolve(),
      });
      taken.resolve({
        result: pool.execute("useWritable", [writable, "pipe"]),
      });
      return new Response(readable);
    });
    const client = await Deno.connect({ port: server.addr.port });
    const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    await client.write(new TextEncoder().encode(request));
    const { result } = await taken.promise;
    client.close();
    await left.promise;
    gate.open();
    assertEquals(await result, '"resource closed"');
    await held;
    await pool.drain();
  },
);

poolTest("a sink at its last chunk hears of an abort at once", async () => {
  await using pool = streamPool();
  const stream = new WritableStream({
    write: (_, { signal }) =>
      new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => resolve());
      }),
  });
  const result = pool.execute("writeThenFail", [stream]);
  await assertRejects(() => result, RangeError, "the job has failed");
});

poolTest("a stream fails when its job has ended", async () => {
  await using pool = streamPool();
  const sink = new Sink();
  await pool.execute("keepWritable", [sink.stream]);
  assert(sink.isClosed);
  assertEquals(
    await pool.execute("whyKeptClosed"),
    "Error Error: The job has ended",
  );
});

poolTest("errors of other kinds arrive as themselves", async () => {
  await using pool = streamPool();
  for (
    const [error, arrives] of [
      [new TypeError("type"), "TypeError TypeError: type"],
      [undefined, "undefined"],
      ["text", '"text"'],
      [
        new DOMException("gone", "NotFoundError"),
        "DOMException NotFoundError: gone",
      ],
    ]
  ) {
    const stream = new WritableStream({
      start: (controller) => controller.error(error),
    });
    const outcome = await pool.execute("useWritable", [stream, "closed"]);
    assertEquals(outcome, arrives, describe(error));
  }
});
