// A call that is refused moves nothing: all of it is still its caller's.
import { Buffer } from "node:buffer";
import { markAsUntransferable } from "node:worker_threads";
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
import { tcpPair } from "./sockets.ts";
import { executeUntyped } from "./untyped.ts";
import { poolTest } from "./live_workers.ts";

// deno-lint-ignore no-explicit-any
const count = (...args: any[]) => args.length;

function detachedBuffer(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}

function lockedStream(): ReadableStream {
  const stream = new ReadableStream();
  stream.getReader();
  return stream;
}

function lockedWritable(): WritableStream {
  const stream = new WritableStream();
  stream.getWriter();
  return stream;
}

function halfLockedTransform(side: "readable" | "writable"): TransformStream {
  const stream = new TransformStream();
  if (side === "readable") stream.readable.getReader();
  else stream.writable.getWriter();
  return stream;
}

function movedPort(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  structuredClone(port1, { transfer: [port1] }).close();
  port2.close();
  return port1;
}

/** What cannot go, beside something that would move. */
const REFUSED: Record<string, () => unknown> = {
  "a function": () => () => {},
  "a symbol": () => Symbol("s"),
  "a function in a Map": () => new Map([["a", () => {}]]),
  "a function as the cause of an error": () =>
    new Error("wrong", { cause: () => {} }),
  "a boxed symbol": () => Object(Symbol("s")),
  "a promise": () => Promise.resolve(),
  "a WeakMap": () => new WeakMap(),
  "a FinalizationRegistry": () => new FinalizationRegistry(() => {}),
  "an iterator": () => [].values(),
  "a proxy": () => new Proxy(new Map(), {}),
  "a URLPattern": () => new URLPattern(),
  "an instance without properties": () => new class {}(),
  "a locked stream": () => lockedStream(),
  "a response whose body is locked": () => {
    const response = new Response("body");
    response.body!.getReader();
    return response;
  },
  "a getter that throws": () => ({
    get a() {
      throw new Error("from the getter");
    },
  }),
  "a detached buffer": () => detachedBuffer(),
  "a view of a detached buffer": () => {
    const view = new Uint8Array(8);
    structuredClone(view, { transfer: [view.buffer] });
    return view;
  },
  "a view out of the bounds of its buffer": () => {
    const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
    const view = new Uint8Array(buffer, 4, 4);
    buffer.resize(2);
    return view;
  },
  "a WebAssembly.Memory": () => new WebAssembly.Memory({ initial: 1 }),
  "a port that is not to move": () => {
    const { port1, port2 } = new MessageChannel();
    port1.close();
    port2.close();
    return port1;
  },
};

for (const [name, make] of Object.entries(REFUSED)) {
  poolTest(
    `a call refused for ${name} among its arguments moves nothing`,
    async () => {
      await using pool = new ThreadPool(1);
      const marked = new ArrayBuffer(8);
      const view = new Uint8Array(4);
      const listed = new ArrayBuffer(16);
      const streams = [new ReadableStream(), new WritableStream()];
      const response = new Response("body");
      const moving = [transfer(marked), streams, response];
      await assertRejects(
        () =>
          pool.execute(count, [moving, make(), { view }, listed], {
            transfer: [listed, view.buffer],
          }),
        JobCloneError,
      );
      assertEquals(
        [marked.detached, view.buffer.detached, listed.detached],
        [false, false, false],
      );
      assertEquals(streams.map(({ locked }) => locked), [false, false]);
      assertEquals(await response.text(), "body");
      // The mark still holds: the call that is accepted moves.
      await pool.execute(count, [marked]);
      assert(marked.detached);
    },
  );

  poolTest(
    `a call refused for ${name} beside a connection leaves it its caller`,
    async () => {
      await using pool = new ThreadPool(1);
      const { client, server } = await tcpPair();
      using _ = client;
      await assertRejects(
        () => pool.execute(count, [server, make()]),
        JobCloneError,
      );
      await assertUsable(pool, server, client);
    },
  );
}

/** What cannot move. */
const UNMOVABLE: Record<string, () => unknown> = {
  "a buffer that is already detached": () => detachedBuffer(),
  "a locked ReadableStream": () => lockedStream(),
  "a locked WritableStream": () => lockedWritable(),
  "a TransformStream whose readable is locked": () =>
    halfLockedTransform("readable"),
  "a TransformStream whose writable is locked": () =>
    halfLockedTransform("writable"),
  "a SharedArrayBuffer": () => new SharedArrayBuffer(8),
  "the buffer of a WebAssembly.Memory": () =>
    new WebAssembly.Memory({ initial: 1 }).buffer,
  "a port that has moved": () => movedPort(),
  "a buffer of Node's pool": () => Buffer.from("small").buffer,
  "a view": () => new Uint8Array(4),
  "a plain object": () => ({}),
  "a number": () => 1,
  "null": () => null,
};

for (const [name, make] of Object.entries(UNMOVABLE)) {
  poolTest(
    `a call refused for ${name} in its transfer list moves nothing`,
    async () => {
      await using pool = new ThreadPool(1);
      const { client, server } = await tcpPair();
      using _ = client;
      const first = new ArrayBuffer(8);
      const last = new ArrayBuffer(8);
      const error = await assertRejects(() =>
        pool.execute(count, [first, last, { server }], {
          transfer: [first, make() as Transferable, last],
        })
      );
      assertInstanceOf(error, JobCloneError);
      assertEquals([first.detached, last.detached], [false, false]);
      await assertUsable(pool, server, client);
      assertEquals(await pool.execute(count, [1]), 1);
    },
  );
}

/** The caller still has its connection: it works, and may still move. */
async function assertUsable(
  pool: ThreadPool,
  server: Deno.Conn,
  client: Deno.Conn,
): Promise<void> {
  const byte = new Uint8Array(1);
  await server.write(new Uint8Array([5]));
  await client.read(byte);
  assertEquals(byte[0], 5);
  await pool.execute(
    (conn: Deno.Conn) => conn.write(new Uint8Array([6])),
    [server],
  );
  await client.read(byte);
  assertEquals(byte[0], 6);
}

/** Calls that are refused for other reasons than their arguments. */
const CALLS: Record<
  string,
  [
    // deno-lint-ignore no-explicit-any
    expected: new (...args: any[]) => Error,
    call: (args: unknown[], transfer: Transferable[]) => Promise<unknown>,
  ]
> = {
  "a job that is no function": [
    TypeError,
    async (args, transfer) => {
      await using pool = new ThreadPool(1);
      return await executeUntyped(pool, 42, args, { transfer });
    },
  ],
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
    await using pool = new ThreadPool({
      size: 1,
      queue: { capacity: 0, whenFull: "reject" },
    });
    const first = pool.execute(count, []);
    try {
      return await pool.execute(count, args, { transfer });
    } finally {
      await first;
    }
  }],
  "a signal that has been aborted": [RangeError, async (args, transfer) => {
    await using pool = new ThreadPool(1);
    const signal = AbortSignal.abort(new RangeError("aborted"));
    return await pool.execute(count, args, { transfer, signal });
  }],
};

for (const [name, [expected, call]] of Object.entries(CALLS)) {
  poolTest(`a call refused for ${name} moves nothing`, async () => {
    const { client, server } = await tcpPair();
    using _ = client;
    const marked = new ArrayBuffer(8);
    const listed = new ArrayBuffer(8);
    const stream = new ReadableStream();
    await assertRejects(
      () => call([server, transfer(marked), listed, stream], [listed, stream]),
      expected,
    );
    assertFalse(marked.detached);
    assertFalse(listed.detached);
    assertFalse(stream.locked);
    await using pool = new ThreadPool(1);
    await assertUsable(pool, server, client);
    await pool.execute(count, [{ marked }]);
    assert(marked.detached);
  });
}

/** What cannot move, or go together, with the places that the error names. */
const CONFLICTS: Record<string, [places: string[], make: () => unknown[]]> = {
  "a Buffer of Node's pool": [
    ["args[1].header (Uint8Array)", "pool"],
    () => [{ header: transfer(Buffer.from("small")) }],
  ],
  "the memory behind a Buffer of Node's pool": [
    ["args[1][0] (ArrayBuffer)", "pool"],
    () => [[transfer(Buffer.from("small").buffer)]],
  ],
  "a buffer that is marked as untransferable": [
    ["args[1] (ArrayBuffer)"],
    () => {
      const buffer = new ArrayBuffer(8);
      markAsUntransferable(buffer);
      return [transfer(buffer)];
    },
  ],
  "a closed port": [["args[1].port (MessagePort)", "closed"], () => {
    const { port1, port2 } = new MessageChannel();
    port1.close();
    port2.close();
    return [{ port: transfer(port1) }];
  }],
  "a port that has moved": [
    ["args[1] (MessagePort)", "moved already"],
    () => [transfer(movedPort())],
  ],
  "a request beside its body": [
    ["args[1].request (Request)", "args[1].body (ReadableStream)"],
    () => {
      const request = streamedRequest();
      return [{ request, body: request.body }];
    },
  ],
  "a body before its response": [
    ["args[2] (Response)", "args[1] (ReadableStream)"],
    () => {
      const response = new Response(new Blob(["data"]).stream());
      return [response.body, response];
    },
  ],
  "two responses of one body": [
    ["args[1][0] (Response)", "args[1][1] (Response)"],
    () => {
      const body = new Blob(["data"]).stream();
      return [[new Response(body), new Response(body)]];
    },
  ],
  "a request beside the reader of its body": [["args[1]"], () => {
    const request = streamedRequest();
    return [request, request.body!.getReader()];
  }],
  "a TransformStream beside its readable": [
    ["args[1] (TransformStream)", "args[2] (ReadableStream)"],
    () => {
      const transform = new TransformStream();
      return [transfer(transform), transform.readable];
    },
  ],
  "a TransformStream beside its writable": [
    ["args[2] (TransformStream)", "args[1].writable (WritableStream)"],
    () => {
      const transform = new TransformStream();
      return [{ writable: transform.writable }, transfer(transform)];
    },
  ],
  "an ImageData that has lost its buffer": [["args[1]"], () => {
    const image = new ImageData(4, 4);
    image.data.buffer.transfer();
    return [image];
  }],
};

function streamedRequest(): Request {
  const body = new Blob(["data"]).stream();
  return new Request("http://a/", { method: "POST", body });
}

function streamsIn(value: unknown): { locked: boolean }[] {
  if (typeof value !== "object" || value === null) return [];
  if (value instanceof ReadableStream || value instanceof WritableStream) {
    return [value];
  }
  if (value instanceof Request || value instanceof Response) {
    return streamsIn(value.body);
  }
  if (value instanceof TransformStream) {
    return [value.readable, value.writable];
  }
  return Object.values(value).flatMap(streamsIn);
}

for (const [name, [places, make]] of Object.entries(CONFLICTS)) {
  poolTest(`execute() refuses ${name}, and takes nothing`, async () => {
    await using pool = new ThreadPool(1);
    const { client, server } = await tcpPair();
    using _ = client;
    const before = new ArrayBuffer(8);
    const after = new ArrayBuffer(8);
    const stream = new ReadableStream();
    const args = make();
    const locks = streamsIn(args).map(({ locked }) => locked);
    const error = await assertRejects(
      () =>
        pool.execute(count, [
          transfer(before),
          ...args,
          stream,
          server,
          transfer(after),
        ]),
      JobCloneError,
    );
    for (const place of places) assertStringIncludes(error.message, place);
    assertEquals([before.detached, after.detached], [false, false]);
    assertFalse(stream.locked);
    assertEquals(streamsIn(args).map(({ locked }) => locked), locks);
    await assertUsable(pool, server, client);
  });
}

poolTest(
  "execute() refuses a connection beside its readable, and takes neither",
  async () => {
    await using pool = new ThreadPool(1);
    const { client, server } = await tcpPair();
    using _ = client;
    const error = await assertRejects(
      () => pool.execute(count, [{ server }, server.readable]),
      JobCloneError,
    );
    assertStringIncludes(error.message, "args[0].server");
    assertStringIncludes(error.message, "args[1]");
    assertFalse(server.readable.locked);
    await assertUsable(pool, server, client);
  },
);

poolTest("execute() refuses a connection that has moved", async () => {
  await using pool = new ThreadPool(1);
  const { client, server } = await tcpPair();
  using _ = client;
  await pool.execute(count, [server]);
  const buffer = new ArrayBuffer(8);
  const error = await assertRejects(
    () => pool.execute(count, [transfer(buffer), [server]]),
    JobCloneError,
  );
  assertStringIncludes(error.message, "args[1][0]");
  assertStringIncludes(error.message, "already moved");
  assertFalse(buffer.detached);
});

poolTest("a port of which the other end is closed can move", async () => {
  await using pool = new ThreadPool(1);
  const { port1, port2 } = new MessageChannel();
  port2.close();
  await pool.execute((port: MessagePort) => port.close(), [transfer(port1)]);
});

poolTest("a result that is refused takes nothing", async () => {
  await using pool = new ThreadPool(1);
  async function refused(kind: string): Promise<unknown> {
    const buffer = new ArrayBuffer(8);
    const stream = new ReadableStream();
    const { port1, port2 } = new MessageChannel();
    const body = new Blob(["data"]).stream();
    const transform = new TransformStream();
    const last: Record<string, () => unknown> = {
      "a pooled Buffer": () => transfer(Buffer.from("small")),
      "a closed port": () => {
        const { port1, port2 } = new MessageChannel();
        port1.close();
        port2.close();
        return transfer(port1);
      },
      "a response beside its body": () => [new Response(body), body],
      "a TransformStream beside its readable": () => [
        transfer(transform),
        transform.readable,
      ],
      "a signal": () => new AbortController().signal,
      "the memory of WebAssembly": () =>
        transfer(new WebAssembly.Memory({ initial: 1 }).buffer),
    };
    const { Buffer } = await import("node:buffer");
    Object.assign(globalThis, {
      kept: [buffer, stream, port1, port2, body, transform],
    });
    return [transfer(buffer), stream, transfer(port1), last[kind]()];
  }
  async function isWhole(): Promise<unknown[]> {
    const [buffer, stream, port1, port2, body, transform] =
      (globalThis as unknown as { kept: unknown[] }).kept as [
        ArrayBuffer,
        ReadableStream,
        MessagePort,
        MessagePort,
        ReadableStream,
        TransformStream,
      ];
    const come = new Promise((resolve) => port2.onmessage = resolve);
    port1.postMessage(1);
    await come;
    port1.close();
    const { readable, writable } = transform;
    return [buffer, stream, body, readable, writable].map((one) => {
      return "detached" in one ? one.detached : one.locked;
    });
  }
  for (
    const kind of [
      "a pooled Buffer",
      "a closed port",
      "a response beside its body",
      "a TransformStream beside its readable",
      "a signal",
      "the memory of WebAssembly",
    ]
  ) {
    await assertRejects(() => pool.execute(refused, [kind]), JobCloneError);
    assertEquals(await pool.execute(isWhole), Array(5).fill(false), kind);
  }
});
