// What moves, in both directions: the sender's side is detached.
import {
  assert,
  assertEquals,
  assertFalse,
  assertLess,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { JobCloneError, ThreadPool, transfer } from "@spindle/thread-pool";
import type * as movers from "./fixtures/movers.ts";
import { Gate } from "./gate.ts";
import type * as gates from "./fixtures/gates.ts";
import { poolTest } from "./live_workers.ts";

function moverPool(): ThreadPool<typeof movers> {
  const module = new URL("./fixtures/movers.ts", import.meta.url);
  return new ThreadPool<typeof movers>({ module, size: 1 });
}

// deno-lint-ignore no-explicit-any
const sizes = (...values: any[]): number[] =>
  values.map((value) => (value.buffer ?? value).byteLength);

poolTest("transfer() returns the same value", () => {
  const value = { a: [new ArrayBuffer(1)] };
  assertStrictEquals(transfer(value), value);
  assertStrictEquals(transfer(value, [value.a[0]]), value);
});

poolTest(
  "transfer() refuses what is not an object, and a list that is not an array",
  () => {
    for (const value of [1, "a", null, undefined, true, 1n, Symbol("s")]) {
      assertThrows(() => transfer(value as never), TypeError, "value");
    }
    for (const list of [1, "a", null, {}, new Set()]) {
      assertThrows(() => transfer({}, list as never), TypeError, "list");
    }
    return Promise.resolve();
  },
);

poolTest(
  "a buffer that is marked moves: it is detached here and whole there",
  async () => {
    await using pool = new ThreadPool(1);
    const buffer = new Uint8Array([1, 2, 3]).buffer;
    const result = pool.execute(
      (buffer: ArrayBuffer) => [...new Uint8Array(buffer)],
      [transfer(buffer)],
    );
    assert(buffer.detached);
    assertEquals(await result, [1, 2, 3]);
  },
);

poolTest(
  "a view that is marked moves with its buffer, and stays the view of its part",
  async () => {
    await using pool = new ThreadPool(1);
    const view = new Uint16Array([1, 2, 3, 4]).subarray(1, 3);
    const result = pool.execute(
      (view: Uint16Array) => [view.byteOffset, ...view],
      [transfer(view)],
    );
    assert(view.buffer.detached);
    assertEquals(await result, [2, 2, 3]);
  },
);

poolTest(
  "an object that is marked moves everything in it, at any depth",
  async () => {
    await using pool = new ThreadPool(1);
    const inner = {
      list: [new ArrayBuffer(1)],
      map: new Map([["a", { view: new Uint8Array(2) }]]),
      set: new Set([new ArrayBuffer(3)]),
      shared: new SharedArrayBuffer(4),
    };
    const kept = new ArrayBuffer(5);
    const buffers = [
      inner.list[0],
      inner.map.get("a")!.view.buffer,
      [...inner.set][0],
    ];
    const result = pool.execute(
      (value: { inner: typeof inner; kept: ArrayBuffer }) => [
        value.inner.list[0].byteLength,
        value.inner.map.get("a")!.view.byteLength,
        [...value.inner.set][0].byteLength,
        value.inner.shared.byteLength,
        value.kept.byteLength,
      ],
      [{ inner: transfer(inner), kept }],
    );
    assertEquals(buffers.map((buffer) => buffer.detached), [true, true, true]);
    assertFalse(kept.detached);
    assertEquals(await result, [1, 2, 3, 4, 5]);
  },
);

poolTest(
  "an object that is marked with a list moves only what the list names",
  async () => {
    await using pool = new ThreadPool(1);
    const a = new ArrayBuffer(1);
    const b = new ArrayBuffer(2);
    const result = pool.execute(
      (value: { a: ArrayBuffer; b: ArrayBuffer }[]) => [
        value[0].a.byteLength,
        value[0].b.byteLength,
      ],
      [[transfer({ a, b }, [b])]],
    );
    assertEquals([a.detached, b.detached], [false, true]);
    assertEquals(await result, [1, 2]);
  },
);

poolTest("the list of the arguments itself can be marked", async () => {
  await using pool = new ThreadPool(1);
  const buffer = new ArrayBuffer(3);
  const result = pool.execute(sizes, transfer([buffer]));
  assert(buffer.detached);
  assertEquals(await result, [3]);
});

poolTest("options.transfer names what moves", async () => {
  await using pool = new ThreadPool(1);
  const a = new ArrayBuffer(1);
  const b = new ArrayBuffer(2);
  const elsewhere = new ArrayBuffer(3);
  const result = pool.execute(sizes, [a, new Uint8Array(b)], {
    transfer: [b, elsewhere],
  });
  assertEquals(
    [a.detached, b.detached, elsewhere.detached],
    [false, true, true],
  );
  assertEquals(await result, [1, 2]);
});

poolTest(
  "options.transfer moves beside arguments that are all primitives",
  async () => {
    await using pool = new ThreadPool(1);
    const buffer = new ArrayBuffer(1);
    await pool.execute((a: number) => a, [1], { transfer: [buffer] });
    assert(buffer.detached);
  },
);

poolTest("a buffer that is named twice moves once", async () => {
  await using pool = new ThreadPool(1);
  const buffer = new ArrayBuffer(3);
  const result = pool.execute(sizes, [transfer([buffer, buffer])], {
    transfer: [buffer, buffer],
  });
  assert(buffer.detached);
  assertEquals((await result).length, 1);
});

poolTest(
  "a buffer moves that is met unmarked before it is met marked",
  async () => {
    await using pool = new ThreadPool(1);
    const buffer = new ArrayBuffer(3);
    const result = pool.execute(
      (buffer: ArrayBuffer, list: ArrayBuffer[]) => buffer === list[0],
      [buffer, transfer([buffer])],
    );
    assert(buffer.detached);
    assert(await result);
  },
);

poolTest(
  "a buffer moves in an object that is met unmarked before it is met in a marked one",
  async () => {
    await using pool = new ThreadPool(1);
    const inner = { buffer: new ArrayBuffer(3) };
    const result = pool.execute(
      (inner: unknown, outer: { inner: unknown }) => inner === outer.inner,
      [inner, transfer({ inner })],
    );
    assert(inner.buffer.detached);
    assert(await result);
  },
);

poolTest("a mark lasts for one send", async () => {
  await using pool = new ThreadPool(1);
  const value: { buffer?: ArrayBuffer } = { buffer: new ArrayBuffer(1) };
  transfer(value);
  await pool.execute(sizes, [value.buffer]); // not the value itself
  assertFalse(value.buffer?.detached);
  await pool.execute((value: object) => Object.keys(value), [value]);
  assert(value.buffer?.detached);
  value.buffer = new ArrayBuffer(2);
  await pool.execute((value: object) => Object.keys(value), [value]);
  assertFalse(value.buffer.detached);
});

poolTest("a buffer without a mark is cloned", async () => {
  await using pool = new ThreadPool(1);
  const buffer = new ArrayBuffer(3);
  assertEquals(await pool.execute(sizes, [buffer]), [3]);
  assertFalse(buffer.detached);
});

poolTest("a resizable buffer moves and stays resizable", async () => {
  await using pool = new ThreadPool(1);
  const buffer = new ArrayBuffer(2, { maxByteLength: 8 });
  const result = pool.execute((buffer: ArrayBuffer) => {
    buffer.resize(8);
    return [buffer.byteLength, buffer.maxByteLength];
  }, [transfer(buffer)]);
  assert(buffer.detached);
  assertEquals(await result, [8, 8]);
});

poolTest(
  "a moved buffer is not copied: 128 MiB go there and back in no time",
  async () => {
    await using pool = moverPool();
    await pool.execute("sizeOf", [new ArrayBuffer(0)]);
    const size = 128 * 1024 * 1024;
    const bytes = new Uint8Array(size);
    bytes.fill(1); // its pages exist
    const copyStart = performance.now();
    bytes.slice();
    const copyTime = performance.now() - copyStart;

    const start = performance.now();
    const result = await pool.execute("giveBack", [transfer(bytes)]);
    const time = performance.now() - start;
    assertEquals([result.length, result[0], bytes.length], [size, 2, 0]);
    assertLess(time, copyTime);
  },
);

poolTest(
  "what moves is taken when execute() accepts, also for a job that waits in the queue",
  async () => {
    const module = new URL("./fixtures/gates.ts", import.meta.url);
    await using pool = new ThreadPool<typeof gates>({ module, size: 1 });
    using gate = new Gate();
    const first = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const buffers = Array.from(
      { length: 10 },
      (_, i) => new ArrayBuffer(i + 1),
    );
    const results = buffers.map((buffer) =>
      pool.execute("echo", [transfer(buffer)])
    );
    assert(buffers.every((buffer) => buffer.detached));
    gate.open();
    await first;
    const back = await Promise.all(results) as ArrayBuffer[];
    assertEquals(
      back.map(({ byteLength }) => byteLength),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
  },
);

poolTest("jobs of moved and of plain arguments keep their order", async () => {
  await using pool = new ThreadPool(1);
  const numbered = (_: unknown, text: string) => {
    const scope = globalThis as { order?: string[] };
    return (scope.order ??= []).push(text);
  };
  const results = Array.from({ length: 200 }, (_, i) => {
    const value = i % 3 ? i : transfer(new ArrayBuffer(i));
    return pool.execute(numbered, [value, `${i}`]);
  });
  assertEquals(
    await Promise.all(results),
    Array.from({ length: 200 }, (_, i) => i + 1),
  );
});

poolTest(
  "a MessagePort moves, and its other end can be talked to",
  async () => {
    await using pool = new ThreadPool(1);
    const { port1, port2 } = new MessageChannel();
    const answer = new Promise((resolve) => {
      port1.onmessage = ({ data }) => resolve(data);
    });
    const result = pool.execute(
      (port: MessagePort) =>
        new Promise<void>((resolve) => {
          port.onmessage = ({ data }) => {
            port.postMessage(data * 2);
            resolve();
          };
        }),
      [transfer(port2)],
    );
    port1.postMessage(21);
    assertEquals(await answer, 42);
    await result;
    port1.close();
  },
);

poolTest("a ReadableStream moves", async () => {
  await using pool = new ThreadPool(1);
  const stream = ReadableStream.from(["a", "b", "c"]);
  const result = pool.execute(async (stream: ReadableStream<string>) => {
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return chunks;
  }, [transfer(stream)]);
  assert(stream.locked);
  assertEquals(await result, ["a", "b", "c"]);
});

poolTest("a WritableStream moves", async () => {
  await using pool = new ThreadPool(1);
  const chunks: string[] = [];
  const closed = Promise.withResolvers<void>();
  const stream = new WritableStream<string>({
    write: (chunk) => void chunks.push(chunk),
    close: () => closed.resolve(),
  });
  await pool.execute(async (stream: WritableStream<string>) => {
    const writer = stream.getWriter();
    await writer.write("a");
    await writer.write("b");
    await writer.close();
  }, [transfer(stream)]);
  await closed.promise;
  assertEquals(chunks, ["a", "b"]);
});

poolTest("a TransformStream moves", async () => {
  await using pool = new ThreadPool(1);
  const stream = new TransformStream<string, string>({
    transform: (chunk, controller) => controller.enqueue(chunk.toUpperCase()),
  });
  const result = await pool.execute(
    async ({ readable, writable }: TransformStream<string, string>) => {
      const writer = writable.getWriter();
      writer.write("a").then(() => writer.close());
      const chunks = [];
      for await (const chunk of readable) chunks.push(chunk);
      return chunks;
    },
    [transfer(stream)],
  );
  assertEquals(result, ["A"]);
});

poolTest(
  "a handler's result moves back, and is detached in the worker",
  async () => {
    await using pool = moverPool();
    const buffer = await pool.execute("giveBuffer", [16]);
    assertEquals(new Uint8Array(buffer), new Uint8Array(16).fill(7));
    assertEquals(await pool.execute("isLastDetached"), true);
  },
);

poolTest("a buffer deep in a result moves back", async () => {
  await using pool = moverPool();
  const { moved, kept } = await pool.execute("giveDeep");
  assertEquals([...moved[0].view], [3, 3]);
  assertEquals(moved[0].view.byteOffset, 4);
  assertEquals(kept.length, 8);
  assertEquals(await pool.execute("isLastDetached"), true);
});

poolTest(
  "a result that is marked with a list moves only what the list names",
  async () => {
    await using pool = moverPool();
    const { a, b } = await pool.execute("giveListed");
    assertEquals([a.byteLength, b.byteLength], [1, 2]);
    assertEquals(await pool.execute("isLastDetached"), true);
  },
);

poolTest("a buffer moves there and back", async () => {
  await using pool = moverPool();
  let bytes = new Uint8Array(4);
  for (let i = 0; i < 50; i++) {
    const sent = bytes;
    bytes = await pool.execute("giveBack", [
      transfer(sent),
    ]) as Uint8Array<ArrayBuffer>;
    assertEquals(sent.length, 0);
  }
  assertEquals([...bytes], [50, 0, 0, 0]);
  assertEquals(await pool.execute("isLastDetached"), true);
});

poolTest("an inline job has transfer() in scope", async () => {
  await using pool = new ThreadPool(1);
  const detached = await pool.execute(() => {
    const scope = globalThis as { given?: ArrayBuffer };
    scope.given = new ArrayBuffer(4);
    return transfer(scope.given);
  });
  assertEquals(detached.byteLength, 4);
  assert(
    await pool.execute(() =>
      (globalThis as { given?: ArrayBuffer }).given!.detached
    ),
  );
});

poolTest(
  "a result that cannot be cloned detaches nothing in the worker",
  async () => {
    await using pool = moverPool();
    await assertRejects(() => pool.execute("giveUncloneable"), JobCloneError);
    assertEquals(await pool.execute("isLastDetached"), false);
  },
);

poolTest("a stream that a handler returns moves to the caller", async () => {
  await using pool = moverPool();
  const chunks = [];
  for await (const chunk of await pool.execute("giveStream")) {
    chunks.push(chunk);
  }
  assertEquals(chunks, ["a", "b"]);
});

poolTest("a port that a handler returns moves to the caller", async () => {
  await using pool = moverPool();
  const port = await pool.execute("givePort");
  const answer = new Promise((resolve) => {
    port.onmessage = ({ data }) => resolve(data);
  });
  port.postMessage(41);
  assertEquals(await answer, 42);
  port.close();
});

poolTest(
  "what moved with a job that is aborted in the queue is gone, and harms nobody",
  async () => {
    const module = new URL("./fixtures/gates.ts", import.meta.url);
    await using pool = new ThreadPool<typeof gates>({ module, size: 1 });
    using gate = new Gate();
    const first = pool.execute("passGate", [gate.key]);
    await gate.arrived();
    const controller = new AbortController();
    const buffer = new ArrayBuffer(8);
    const second = pool.execute("echo", [transfer(buffer)], controller);
    controller.abort(new Error("stop"));
    await assertRejects(() => second, Error, "stop");
    gate.open();
    await first;
    assert(buffer.detached);
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);
