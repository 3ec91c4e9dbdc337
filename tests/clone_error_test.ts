// Tests of calls and results that cannot be sent: only the affected job rejects, the
// error names the place in the value, and nothing has moved.
import { Buffer } from "node:buffer";
import {
  assert,
  assertEquals,
  assertFalse,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  JobCloneError,
  JobNotFoundError,
  PoolClosedError,
  PoolTerminatedError,
  QueueFullError,
  ThreadPool,
  transfer,
} from "@spindle/thread-pool";
import * as jobs from "./fixtures/refused.ts";
import { eachRow, poolOf, test } from "./pools.ts";
import { tcpPair } from "./sockets.ts";
import { executeUntyped } from "./untyped.ts";

// deno-lint-ignore no-explicit-any
const count = (...args: any[]) => args.length;
const refusedPool = () => poolOf<typeof jobs>("refused");

test("an error for a result quotes the result's own words as they are", async () => {
  await using pool = new ThreadPool(1);
  await assertRejects(
    () => pool.execute(() => ({ "not transferable": () => 1 })),
    JobCloneError,
    'result["not transferable"] (function not transferable) cannot be cloned',
  );
});

/** Returns a connection, and checks of whether it still belongs to its caller. */
async function connection() {
  const { client, server } = await tcpPair();
  const byte = new Uint8Array(1);
  return {
    server,
    async assertOurs() {
      await server.write(new Uint8Array([5]));
      await client.read(byte);
      assertEquals(byte[0], 5);
    },
    async assertMayMove(pool: { execute: ThreadPool["execute"] }) {
      const write = (conn: Deno.Conn) => conn.write(new Uint8Array([6]));
      await pool.execute(write, [server]);
      await client.read(byte);
      assertEquals(byte[0], 6);
      assertEquals(await client.read(byte), null); // the job has ended
    },
    [Symbol.dispose]: () => client.close(),
  };
}

/** Checks that the message contains these texts, with places relative to `root`. */
function assertSays(error: Error, root: string, said: string[]) {
  for (const text of said) {
    assertStringIncludes(
      error.message,
      text.startsWith("[") ? root + text : text,
    );
  }
}

test("execute() rejects with JobCloneError naming the place in the arguments, and moves nothing", async () => {
  await using pool = refusedPool();
  using conn = await connection();
  await eachRow(jobs.REFUSED, async ([said, make]) => {
    const bystanders = new jobs.Bystanders();
    const [listed, view] = [new ArrayBuffer(8), new Uint8Array(4)];
    const args = [...bystanders.around(make()), listed, { view }, conn.server];
    const [before, error, after] = await Promise.all([
      pool.execute(count, [1, 2]),
      assertRejects(
        () => pool.execute(count, args, { transfer: [listed, view.buffer] }),
        JobCloneError,
      ),
      pool.execute(count, [new Map()]),
    ]);
    assertEquals([before, after], [2, 1]);
    assertSays(error, "args", said);
    assertEquals([listed.detached, view.buffer.detached], [false, false]);
    await conn.assertOurs();
    // The transfer() mark still holds: an accepted call moves the buffer.
    const [marked] = args as [ArrayBuffer];
    assertEquals(await bystanders.taken(), []);
    await pool.execute(count, [marked]);
    assert(marked.detached);
  });
  await conn.assertMayMove(pool);
});

test("execute() rejects with JobCloneError naming the place in the result, and moves nothing", async () => {
  await using pool = refusedPool();
  await eachRow(jobs.REFUSED, async ([said], name) => {
    for (const job of ["give", "giveLater"] as const) {
      const [before, error, after] = await Promise.all([
        pool.execute(count, [1, 2]),
        assertRejects(() => pool.execute(job, [name]), JobCloneError),
        pool.execute("taken"),
      ]);
      assertEquals([before, after], [2, []]);
      assertSays(error, "result", said);
      assertStringIncludes(error.message, `"${job}"`);
    }
  });
  assertEquals(pool.stats().crashed, 0);
});

/** Values that options.transfer cannot contain; unit/pack_test.ts has more. */
const UNMOVABLE: Record<string, () => unknown> = {
  "a locked stream": () => {
    const stream = new TransformStream();
    stream.writable.getWriter();
    return stream;
  },
  "a port that has moved": jobs.movedPort,
  "the memory of Node's pool": () => Buffer.from("small").buffer,
  "a view": () => new Uint8Array(4),
  "null": () => null,
};

test("execute() rejects with JobCloneError for an invalid value in options.transfer, and moves nothing", async () => {
  await using pool = new ThreadPool(1);
  using conn = await connection();
  await eachRow(UNMOVABLE, async (make) => {
    const [first, last] = [new ArrayBuffer(8), new ArrayBuffer(8)];
    const transfer = [first, make() as Transferable, last];
    await assertRejects(
      () =>
        pool.execute(count, [first, last, { conn: conn.server }], { transfer }),
      JobCloneError,
    );
    assertEquals([first.detached, last.detached], [false, false]);
    await conn.assertOurs();
  });
  await conn.assertMayMove(pool);
});

type Call = (args: unknown[], transfer: Transferable[]) => Promise<unknown>;
// deno-lint-ignore no-explicit-any
type ErrorClass = new (...args: any[]) => Error;

/** Calls that are rejected for reasons other than their arguments. */
const CALLS: Record<string, [expected: ErrorClass, call: Call]> = {
  "a job that is not a function": [TypeError, async (args, transfer) => {
    await using pool = new ThreadPool(1);
    return await executeUntyped(pool, 42, args, { transfer });
  }],
  "a bound function": [TypeError, async (args, transfer) => {
    await using pool = new ThreadPool(1);
    return await pool.execute(count.bind(null), args, { transfer });
  }],
  "a name without a module": [JobNotFoundError, async (args, transfer) => {
    await using pool = new ThreadPool(1);
    return await pool.execute("count", args, { transfer });
  }],
  "an unknown option": [TypeError, async (args, transfer) => {
    await using pool = new ThreadPool(1);
    return await pool.execute(count, args, { transfer, bogus: 1 } as never);
  }],
  "a closed pool": [PoolClosedError, async (args, transfer) => {
    const pool = new ThreadPool(1);
    await pool.close();
    return await pool.execute(count, args, { transfer });
  }],
  "a terminated pool": [PoolTerminatedError, async (args, transfer) => {
    const pool = new ThreadPool(1);
    await pool.terminate();
    return await pool.execute(count, args, { transfer });
  }],
  "a full queue": [QueueFullError, async (args, transfer) => {
    const queue = { capacity: 0, whenFull: "reject" } as const;
    await using pool = new ThreadPool({ size: 1, queue });
    pool.execute(count, []);
    return await pool.execute(count, args, { transfer });
  }],
  "a signal that is already aborted": [RangeError, async (args, transfer) => {
    await using pool = new ThreadPool(1);
    const signal = AbortSignal.abort(new RangeError("aborted"));
    return await pool.execute(count, args, { transfer, signal });
  }],
};

test("execute() moves nothing when it rejects a call", async () => {
  using conn = await connection();
  await using pool = new ThreadPool(1);
  await eachRow(CALLS, async ([expected, call]) => {
    const [marked, listed] = [new ArrayBuffer(8), new ArrayBuffer(8)];
    const stream = new ReadableStream();
    const args = [conn.server, transfer(marked), listed, stream];
    await assertRejects(() => call(args, [listed, stream]), expected);
    assertEquals([marked.detached, listed.detached], [false, false]);
    assertFalse(stream.locked);
    await conn.assertOurs();
    await pool.execute(count, [{ marked }]);
    assert(marked.detached);
  });
  await conn.assertMayMove(pool);
});

test("execute() rejects with JobCloneError for a connection passed with its readable, or already moved", async () => {
  await using pool = new ThreadPool(1);
  using conn = await connection();
  const { server } = conn;
  const error = await assertRejects(
    () => pool.execute(count, [{ server }, server.readable]),
    JobCloneError,
  );
  assertSays(error, "args", ["[0].server", "[1]"]);
  assertFalse(server.readable.locked);
  await conn.assertMayMove(pool);
  const buffer = new ArrayBuffer(8);
  const moved = await assertRejects(
    () => pool.execute(count, [transfer(buffer), [server]]),
    JobCloneError,
  );
  assertSays(moved, "args", ["[1][0]", "already moved"]);
  assertFalse(buffer.detached);
});

test("execute() accepts values 1 000 levels deep, and rejects only deeper values with JobCloneError", async () => {
  await using pool = new ThreadPool(1);
  const nest = (levels: number) => {
    let value: unknown = "core";
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  };
  for (const levels of [1_000, 4_000, 20_000, 200_000]) {
    const deep = nest(levels);
    const [before, after, ...results] = await Promise.allSettled([
      pool.execute(count, [1, 2]),
      pool.execute(count, [1]),
      pool.execute(count, [deep]),
      pool.execute((value: unknown) => value, [[{ deep }]]),
      pool.execute(nest, [levels]),
    ]);
    assertEquals([before.status, after.status], ["fulfilled", "fulfilled"]);
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      assertInstanceOf(result.reason, JobCloneError);
      assertStringIncludes(result.reason.message, "deep");
      assert(levels > 1_000, result.reason.message);
    }
    const { status } = results.at(-1)!;
    assert(levels < 200_000 || status === "rejected");
  }
});
