// Values that move, in both directions: the sender's side is detached.
import {
  assert,
  assertEquals,
  assertFalse,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { JobCloneError, ThreadPool, transfer } from "@spindle/thread-pool";
import { Gate } from "./gate.ts";
import { ALL_KINDS, type AnyKind, makePool, numbersTo } from "./kinds.ts";
import { eachRow, test } from "./pools.ts";

test("transfer() returns its value, and refuses values that are not objects and lists that are not arrays", async () => {
  const value = { a: [new ArrayBuffer(1)] };
  assertStrictEquals(transfer(value), value);
  assertStrictEquals(transfer(value, [value.a[0]]), value);
  for (const value of [1, "a", null, undefined, true, 1n, Symbol("s")]) {
    assertThrows(() => transfer(value as never), TypeError, "value");
  }
  for (const list of [1, "a", null, {}, new Set()]) {
    assertThrows(() => transfer({}, list as never), TypeError, "list");
  }
  await undefined;
});

for (const kind of Object.keys(ALL_KINDS) as AnyKind[]) {
  test(`marked WebAssembly memory is refused, and nothing else moves (${kind})`, async () => {
    await using pool = makePool({}, kind);
    const make = () => ({
      beside: transfer(new Uint8Array(100_000)),
      wasm: transfer(
        new Uint8Array(new WebAssembly.Memory({ initial: 1 }).buffer, 8),
      ),
    });
    const why = "memory of WebAssembly cannot move: do not mark it";
    // First in a queue, then sent at once.
    for (let i = 0; i < 2; i++) {
      const value = make();
      await assertRejects(
        () => pool.execute("echo", [value]),
        JobCloneError,
        why,
      );
      assertEquals(value.beside.length, 100_000);
      await pool.execute("echo", [1]);
    }
    await assertRejects(
      () => pool.execute(make),
      JobCloneError,
      `The result of job "make" cannot be sent: ${why}`,
    );
    const bytes = pool.stream(function* () {
      yield transfer(new WebAssembly.Memory({ initial: 1 }).buffer);
    });
    await assertRejects(() => bytes.next(), JobCloneError, why);
  });
}

/** Returns the length of each buffer in the values, at any depth. */
function lengthsOf(...values: unknown[]): number[] {
  return values.flatMap((value): number[] => {
    if (value instanceof ArrayBuffer) return [value.byteLength];
    if (ArrayBuffer.isView(value)) return [value.byteLength];
    if (value instanceof Map) return lengthsOf(...value.values());
    if (value instanceof Set || Array.isArray(value)) {
      return lengthsOf(...value);
    }
    return lengthsOf(...Object.values(value as object));
  });
}

/** Buffers of 1, 2, 3 … bytes; `moves` lists the buffers that must move. */
interface Sent {
  args: unknown[];
  moves: number[];
  transfer?: Transferable[];
}
const SENT: Record<string, (b: ArrayBuffer[]) => Sent> = {
  "none without a mark": ([a, b]) => ({ args: [a, { b }], moves: [] }),
  "a buffer": ([a, b]) => ({ args: [transfer(a), b], moves: [1] }),
  "the buffer of a view": ([a, b]) => ({
    args: [transfer(new Uint8Array(a)), [b]],
    moves: [1],
  }),
  "all buffers in an object, at any depth": ([a, b, c, d]) => ({
    args: [{
      inner: transfer({
        list: [a],
        map: new Map([["b", { view: new Uint8Array(b) }]]),
        set: new Set([c]),
      }),
      d,
    }],
    moves: [1, 2, 3],
  }),
  "buffers in the list of a mark": ([a, b]) => ({
    args: [[transfer({ a, b }, [b])]],
    moves: [2],
  }),
  "all buffers if args is marked": ([a, b]) => ({
    args: transfer([a, { b }]),
    moves: [1, 2],
  }),
  "buffers in options.transfer": ([a, b]) => ({
    args: [a, new Uint8Array(b)],
    transfer: [b],
    moves: [2],
  }),
  "a buffer that is named repeatedly": ([a]) => ({
    args: [transfer([a, a])],
    transfer: [a, a],
    moves: [1],
  }),
  "a buffer that occurs unmarked before it occurs marked": ([a]) => ({
    args: [a, transfer([a])],
    moves: [1],
  }),
  "a buffer in an object, unmarked and then marked": ([a]) => {
    const inner = { a };
    return { args: [inner, transfer({ inner })], moves: [1] };
  },
};

test("execute() moves marked values at the call, and clones all others", async () => {
  await using pool = new ThreadPool(1);
  await eachRow(SENT, async (make) => {
    const buffers = [1, 2, 3, 4].map((length) => new ArrayBuffer(length));
    const { args, moves, transfer } = make(buffers);
    const lengths = lengthsOf(...args);
    const result = pool.execute(lengthsOf, args, { transfer });
    const detached = buffers.filter(({ detached }) => detached).length;
    assertEquals(detached, moves.length);
    for (const i of moves) assert(buffers[i - 1].detached);
    assertEquals(await result, lengths);
  });
});

test("execute() moves what options.transfer names, even if it is in no argument", async () => {
  await using pool = new ThreadPool(1);
  const buffer = new ArrayBuffer(1);
  await pool.execute((a: number) => a, [1], { transfer: [buffer] });
  assert(buffer.detached);
});

test("execute() keeps the range, identity and maximum length of moved views and buffers", async () => {
  await using pool = new ThreadPool(1);
  const view = transfer(new Uint16Array([1, 2, 3, 4]).subarray(1, 3));
  const buffer = transfer(new ArrayBuffer(2, { maxByteLength: 8 }));
  const seen = await pool.execute(
    (view: Uint16Array, list: Uint16Array[], buffer: ArrayBuffer) => {
      buffer.resize(8);
      return [view.byteOffset, ...view, view === list[0], buffer.byteLength];
    },
    [view, [view], buffer],
  );
  assertEquals(seen, [2, 2, 3, true, 8]);
});

test("transfer() marks a value for one send", async () => {
  await using pool = new ThreadPool(1);
  const value: { buffer?: ArrayBuffer } = { buffer: new ArrayBuffer(1) };
  transfer(value);
  await pool.execute(lengthsOf, [value.buffer]); // not the value itself
  assertFalse(value.buffer?.detached);
  await pool.execute(lengthsOf, [value]);
  assert(value.buffer?.detached);
  value.buffer = new ArrayBuffer(2);
  await pool.execute(lengthsOf, [value]);
  assertFalse(value.buffer.detached);
});

test("execute() moves values of waiting jobs at the call, even of jobs that are aborted in the queue", async () => {
  await using pool = makePool();
  using gate = new Gate();
  const held = pool.execute("passGate", [gate.key]);
  await gate.arrived();
  const client = new AbortController();
  const buffers = numbersTo(11).map((length) => new ArrayBuffer(length));
  const aborted = assertRejects(
    () => pool.execute("echo", [transfer(buffers[0])], client),
    Error,
    "stop",
  );
  const results = buffers.slice(1).map((buffer) =>
    pool.execute("echo", [transfer(buffer)])
  );
  assert(buffers.every((buffer) => buffer.detached));
  client.abort(new Error("stop"));
  await aborted;
  gate.open();
  await held;
  const back = await Promise.all(results) as ArrayBuffer[];
  assertEquals(back.map((one) => one.byteLength), numbersTo(11).slice(1));
});

test("execute() moves values at the call for a job whose worker is not awake yet", async () => {
  await using pool = new ThreadPool(2);
  const both = () => new Promise((resolve) => setTimeout(resolve, 50));
  await Promise.all([pool.execute(both), pool.execute(both)]);
  // Enough jobs that the pool knows that they are small: one worker is enough.
  for (let i = 0; i < 2_000; i++) await pool.execute((i: number) => i, [i]);
  for (let i = 0; i < 20; i++) {
    const small = pool.execute((i: number) => i, [i]);
    const buffer = new ArrayBuffer(8);
    const moved = pool.execute(lengthsOf, [transfer(buffer)]);
    assert(buffer.detached, `round ${i}`);
    assertEquals([await moved, await small], [[8], i]);
  }
});

test("execute() runs jobs with and without moved values in the order of their calls", async () => {
  await using pool = makePool();
  const jobs = numbersTo(200).map((i) => {
    const value = i % 3 ? i : transfer(new ArrayBuffer(i));
    return pool.execute((_: unknown) => {
      const scope = globalThis as { order?: number };
      return scope.order = (scope.order ?? -1) + 1;
    }, [value]);
  });
  assertEquals(await Promise.all(jobs), numbersTo(200));
});

test("execute() moves streams and ports, even a port whose other end is closed", async () => {
  await using pool = new ThreadPool(1);
  const { port1, port2 } = new MessageChannel();
  const alone = new MessageChannel();
  alone.port1.close();
  const answer = new Promise((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
  });
  const upper = new TransformStream<string, string>({
    transform: (chunk, controller) => controller.enqueue(chunk.toUpperCase()),
  });
  const written = new TransformStream<string, string>();
  const read = Array.fromAsync(written.readable);
  const result = pool.execute(
    async (
      ports: MessagePort[],
      input: ReadableStream<string>,
      { readable, writable }: TransformStream<string, string>,
      output: WritableStream<string>,
    ) => {
      ports[1].close();
      await new Promise((resolve) => {
        ports[0].onmessage = ({ data }) => resolve(ports[0].postMessage(-data));
      });
      await Promise.all([input.pipeTo(writable), readable.pipeTo(output)]);
      ports[0].close();
    },
    [
      transfer([port2, alone.port2]),
      transfer(ReadableStream.from(["a", "b"])),
      transfer(upper),
      transfer(written.writable),
    ],
  );
  port1.postMessage(42);
  assertEquals(await answer, -42);
  assertEquals(await read, ["A", "B"]);
  await result;
  port1.close();
});

/** Results of which a part moves; each job keeps its buffers as `kept`. */
const GIVEN: Record<string, () => { moves: number[]; result: unknown }> = {
  "a buffer": () => {
    const [a, b] = (globalThis as unknown as { kept: ArrayBuffer[] }).kept;
    return { moves: [1], result: [transfer(a), b] };
  },
  "a view deep in a result": () => {
    const [a, b] = (globalThis as unknown as { kept: ArrayBuffer[] }).kept;
    const moved = [{ view: transfer(new Uint8Array(a)) }];
    return { moves: [1], result: { moved, b } };
  },
  "what the mark's list names": () => {
    const [a, b] = (globalThis as unknown as { kept: ArrayBuffer[] }).kept;
    return { moves: [2], result: transfer({ a, b }, [b]) };
  },
};

test("transfer() in a handler moves only what it marks in the result", async () => {
  await using pool = new ThreadPool(1);
  await eachRow(GIVEN, async (give) => {
    const buffers = () => {
      const scope = globalThis as { kept?: ArrayBuffer[] };
      scope.kept = [new ArrayBuffer(1), new ArrayBuffer(2)];
    };
    const left = () => {
      const { kept } = globalThis as unknown as { kept: ArrayBuffer[] };
      return [1, 2].filter((i) => kept[i - 1].detached);
    };
    await pool.execute(buffers);
    const { moves, result } = await pool.execute(give);
    assertEquals(lengthsOf(result), [1, 2]);
    assertEquals(await pool.execute(left), moves);
  });
});

test("transfer() moves a buffer back and forth repeatedly", async () => {
  await using pool = new ThreadPool(1);
  const next = (bytes: Uint8Array<ArrayBuffer>) => {
    bytes[0]++;
    return transfer(bytes);
  };
  let bytes = new Uint8Array(4);
  for (let i = 0; i < 50; i++) {
    const sent = bytes;
    bytes = await pool.execute(next, [transfer(sent)]);
    assertEquals(sent.length, 0);
  }
  assertEquals([...bytes], [50, 0, 0, 0]);
});

test("transfer() in a handler moves streams and ports to the caller", async () => {
  await using pool = new ThreadPool(1);
  const { stream, port } = await pool.execute(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      port1.postMessage(data + 1);
      port1.close();
    };
    return transfer({ stream: ReadableStream.from(["a", "b"]), port: port2 });
  });
  assertEquals(await Array.fromAsync(stream), ["a", "b"]);
  const answer = new Promise((resolve) => {
    port.onmessage = ({ data }) => resolve(data);
  });
  port.postMessage(41);
  assertEquals(await answer, 42);
  port.close();
});
