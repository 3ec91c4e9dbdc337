// Tests pack(): which values arrive, which move, and which are refused, with their path.
import { markAsUncloneable } from "node:worker_threads";
import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import {
  assert,
  assertEquals,
  assertFalse,
  assertNotStrictEquals,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import fc from "fast-check";
import { JobCloneError } from "../../src/errors.ts";
import { MOVERS } from "../../src/moving/kinds.ts";
import { LARGE } from "../../src/values/bytes.ts";
import {
  pack,
  type Packed,
  type PackOptions,
  take,
  useUpMarks,
} from "../../src/values/pack.ts";
import { toText } from "../../src/values/plain_text.ts";
import { transfer } from "../../src/values/transfer.ts";

/** Packs and clones a value. */
function sent<T>(value: T, options: PackOptions = {}): T {
  const packed = pack(value, "args", { movers: MOVERS, ...options });
  return structuredClone(packed.value, { transfer: packed.moves });
}

function refusal(value: unknown, options: PackOptions = {}): JobCloneError {
  return assertThrows(
    () => pack(value, "args", { movers: MOVERS, ...options }),
    JobCloneError,
  );
}

const ANYTHING = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withNullPrototype: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withUnicodeString: true,
} as fc.ObjectConstraints);

Deno.test("a packed value arrives like a structuredClone()", () => {
  fc.assert(
    fc.property(ANYTHING, (value) => {
      const expected = structuredClone(value);
      assert(isDeepStrictEqual(sent(value), expected), Deno.inspect(value));
      // pack() then uses the values that toText() has read.
      toText(value);
      assert(isDeepStrictEqual(sent(value), expected), Deno.inspect(value));
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("a packed copy shares no container with the value, and isOwn is false if it shares other objects", () => {
  const value = { list: [1, new Map([["a", [2]]])] };
  const packed = pack(value, "args");
  assertEquals(packed.value, value);
  (packed.value.list[1] as Map<string, number[]>).get("a")!.push(3);
  assertEquals(value.list[1], new Map([["a", [2]]]));
  assert(packed.isOwn);
  for (
    const shared of [new Date(), new Uint8Array(1), /a/, Array(100_001).fill(1)]
  ) {
    assertFalse(pack([shared], "args").isOwn);
  }
});

Deno.test("an object at several places stays one object, also in a cycle", () => {
  const shared = { n: 1 };
  const value: Record<string, unknown> = { a: shared, b: [shared] };
  value.self = value;
  value.set = new Set([value, shared]);
  value.map = new Map<unknown, unknown>([[shared, value]]);
  const copy = sent(value);
  assertStrictEquals((copy.b as unknown[])[0], copy.a);
  assertStrictEquals(copy.self, copy);
  assertEquals([...copy.set as Set<unknown>], [copy, copy.a]);
  assertStrictEquals((copy.map as Map<unknown, unknown>).get(copy.a), copy);
});

Deno.test("holes, array properties and a __proto__ key are kept", () => {
  // deno-lint-ignore no-sparse-arrays
  const list = sent(Object.assign([1, , 3], { extra: "x" }));
  assertEquals(Object.keys(list), ["0", "2", "extra"]);
  const object = sent(JSON.parse('{"__proto__":{"a":1}}'));
  assertEquals(Object.keys(object), ["__proto__"]);
  assertStrictEquals(Object.getPrototypeOf(object), Object.prototype);
});

Deno.test("a class instance arrives as its properties, and each getter is read once", () => {
  let reads = 0;
  class Row {
    id = 7;
    get method() {
      return 1;
    }
  }
  const value = {
    row: new Row(),
    get count() {
      return ++reads;
    },
    at: new Date(0),
  };
  assertEquals(toText(value), undefined);
  assertEquals(
    sent(value),
    { row: { id: 7 }, count: 1, at: new Date(0) } as never,
  );
  assertEquals(reads, 1);
});

Deno.test("size is about the number of bytes of a value", () => {
  const sizeOf = (value: unknown) => pack(value, "args").size;
  assertEquals(sizeOf(["text", 1, null]), 4 + 8 + 8);
  assertEquals(sizeOf(new Float64Array(4)), 32);
  assertEquals(sizeOf(Array(200_000).fill(1)), 1_600_000);
});

// Refused values.

function outOfBounds<V>(makeView: (buffer: ArrayBuffer) => V): V {
  const buffer = new ArrayBuffer(8, { maxByteLength: 8 });
  const view = makeView(buffer);
  buffer.resize(2);
  return view;
}

function detached<T extends ArrayBuffer | Uint8Array<ArrayBuffer>>(
  value: T,
): T {
  structuredClone(value, {
    transfer: [value instanceof ArrayBuffer ? value : value.buffer],
  });
  return value;
}

function lockedStream(): ReadableStream {
  const stream = new ReadableStream();
  stream.getReader();
  return stream;
}

function port(): MessagePort {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.close();
  return port1;
}

function deep(levels: number): object {
  let value: object = {};
  for (let i = 0; i < levels; i++) value = { next: value };
  return value;
}

function lockedResponse(): Response {
  const response = new Response("body");
  response.body!.getReader();
  return response;
}

function usedRequest(): Request {
  const request = new Request("http://a", { method: "POST", body: "body" });
  request.body!.cancel();
  return request;
}

/** Values, each with the start of the error message. */
const REFUSED: [says: string, make: () => unknown][] = [
  ["args (function helper) cannot be cloned", () => function helper() {}],
  ["args[0] (a function)", () => [() => {}]],
  ["args[1] (Symbol(s)) cannot", () => [1, Symbol("s")]],
  ["args[0].a.b (function b)", () => [{ a: { b: () => {} } }]],
  ['args["a b"] (', () => ({ "a b": () => {} })],
  ["args.get(key) (", () => new Map([["key", () => {}]])],
  ["args (a value) (", () => new Map([[{}, () => {}]])],
  ["args (a key) (", () => new Map([[() => {}, 1]])],
  ["args (an item)[1] (", () => new Set([[1, () => {}]])],
  ["args.field (", () =>
    new (class {
      field = () => {};
    })()],
  ["args (Promise) cannot be cloned", () => Promise.resolve()],
  ["args (Response) is of another class than the runtime's Response", () => {
    const response = Object.create({ [Symbol.toStringTag]: "Response" });
    markAsUncloneable(response);
    return response;
  }],
  ["args.map (WeakMap)", () => ({ map: new WeakMap() })],
  ["args (Generator)", () => (function* () {})()],
  ["args (Symbol)", () => Object(Symbol("s"))],
  [
    "args (Hidden) cannot be cloned: nothing of it",
    () => new (class Hidden {})(),
  ],
  ["args (URLPattern)", () => new URLPattern()],
  ["args (AbortController)", () => new AbortController()],
  [
    "args (WebAssembly.Memory) cannot be cloned",
    () => new WebAssembly.Memory({ initial: 1 }),
  ],
  [
    "args (ArrayBuffer) has lost its buffer",
    () => detached(new ArrayBuffer(8)),
  ],
  [
    "args.view (Uint8Array) has lost",
    () => ({ view: detached(new Uint8Array(8)) }),
  ],
  [
    "args[0] (Uint8Array) is out of bounds: its buffer has been resized",
    () => [outOfBounds((buffer) => new Uint8Array(buffer, 4, 4))],
  ],
  [
    "args (DataView) is out of bounds: its buffer has been resized",
    () => outOfBounds((buffer) => new DataView(buffer, 4, 4)),
  ],
  [
    "args[1500] (",
    () => Array.from({ length: 2_000 }, (_, i) => i === 1_500 ? () => {} : i),
  ],
  ["args.k1999 (", () =>
    Object.fromEntries(
      Array.from(
        { length: 2_000 },
        (_, i) => [`k${i}`, i === 1_999 ? () => {} : i],
      ),
    )],
  ["args (WeakSet)", () => new WeakSet()],
  ["args (WeakRef)", () => new WeakRef({})],
  ["args (Array Iterator)", () => [1].values()],
  ["args (Map Iterator)", () => new Map().entries()],
  ["args (FinalizationRegistry)", () => new FinalizationRegistry(() => {})],
  ["args (EventTarget)", () => new EventTarget()],
  ["args (TextDecoder)", () => new TextDecoder()],
  ["args (Temporal.Instant)", () => Temporal.Now.instant()],
  [
    "args (ReadableStreamDefaultReader)",
    () => new ReadableStream().getReader(),
  ],
  ["args[0] (Request) has a body that is locked", () => [usedRequest()]],
  ["args[1] (Response) has a body that is locked", () => [0, lockedResponse()]],
  ["args.transform (TransformStream) is locked", () => {
    const transform = new TransformStream();
    transform.readable.getReader();
    return { transform };
  }],
  ["args.cause (", () => new Error("e", { cause: () => {} })],
  ["args[1].cause.r (Request) cannot be cloned", () => {
    const r = new Request("http://a/");
    return [r, new Error("e", { cause: { r } })];
  }],
  [
    "args.stream (ReadableStream) is locked",
    () => ({ stream: lockedStream() }),
  ],
  ["args (MessagePort) can be moved but not cloned: mark it", port],
  ["args.a.b cannot be read: from the getter", () => ({
    a: {
      get b() {
        throw new RangeError("from the getter");
      },
    },
  })],
  ["args[0] cannot be read: ", () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return [proxy];
  }],
  ["args.next", () => deep(100_000)],
];

for (const [says, make] of REFUSED) {
  Deno.test(`pack() refuses with: ${says}`, () => {
    const { message } = refusal(make());
    assert(message.startsWith(says), message);
  });
}

Deno.test("an error thrown by a getter is the cause of the refusal", () => {
  const thrown = new RangeError("from the getter");
  const value = {
    get a() {
      throw thrown;
    },
  };
  assertStrictEquals(refusal(value).cause, thrown);
});

Deno.test("the refusal of a function has its name, and reads no property of a proxy", () => {
  const asked: PropertyKey[] = [];
  const named = (name: string) =>
    Object.defineProperty(() => {}, "name", {
      value: name,
    });
  const remote = (name: string) =>
    new Proxy(named(name), {
      get(_, key): unknown {
        asked.push(key);
        return remote("part");
      },
    });
  const { message } = refusal([remote("far")]);
  assertStringIncludes(message, "args[0] (function far)");
  assertStringIncludes(refusal([remote("")]).message, "(a function)");
  assertEquals(asked, []);
});

Deno.test("a long path is shortened in the middle", () => {
  let long: object = { last: () => {} };
  for (let i = 0; i < 100; i++) long = { next: long };
  const { message } = refusal(long);
  assert(message.startsWith("args.next.next"), message);
  assertStringIncludes(message, "…");
  assertStringIncludes(message, ".last (function last)");
  assert(message.length < 120, message);
  assertStringIncludes(refusal(deep(100_000)).message, "is nested too deeply");
});

Deno.test("an error arrives with its cause, also in a cycle", () => {
  const error = new Error("outer", { cause: new TypeError("inner") });
  assertEquals((sent(error).cause as Error).message, "inner");
  const cycle = new Error("cycle");
  cycle.cause = { cycle };
  const copy = sent(cycle);
  assertStrictEquals((copy.cause as { cycle: Error }).cycle, copy);
});

Deno.test("whyStays refuses values that could be sent, also buffers of views", () => {
  const memory = new SharedArrayBuffer(8);
  const whyStays = (value: object) => value === memory ? "stays" : undefined;
  for (const value of [memory, new Uint8Array(memory)]) {
    assertStringIncludes(refusal([value], { whyStays }).message, "args[0]");
    sent([value]);
  }
});

// Values that move.

/** Packs a value, and takes what moves. */
function taken<T>(value: T, options: PackOptions = {}): Packed<T> {
  return take(pack(value, "args", { movers: MOVERS, ...options }));
}

Deno.test("marked buffers, listed buffers and buffers of marked views move on take()", () => {
  const [marked, listed, named, inner] = [1, 2, 3, 4].map((n) =>
    new ArrayBuffer(n)
  );
  const view = new Uint8Array(inner);
  const holder = { listed };
  const value = [
    transfer({ deep: [marked] }),
    transfer(holder, [listed]),
    new Map([["view", transfer(view)]]),
    { named },
  ];
  const packed = pack(value, "args", { transfer: [named, named] });
  assertEquals(packed.moves.length, 4);
  assertFalse(packed.moves.some((moved) => (moved as ArrayBuffer).detached));
  take(packed);
  assert([marked, listed, named, inner].every(({ detached }) => detached));
  assertEquals((packed.value[3] as { named: ArrayBuffer }).named.byteLength, 3);
  assertEquals(packed.moves.length, 4);
});

Deno.test("marks are used up by useUpMarks(), not by a refusal", () => {
  const buffer = new ArrayBuffer(8);
  transfer(buffer);
  assertThrows(() => pack([buffer, () => {}], "args"), JobCloneError);
  assertEquals(pack([buffer], "args").moves, [buffer]);
  useUpMarks(pack([buffer], "args"));
  assertEquals(pack([buffer], "args").moves, []);
});

Deno.test("a departing value leaves a placeholder, which take() keeps", () => {
  const stream = new ReadableStream();
  const request = new Request("http://a/");
  const url = new URL("http://a/");
  const packed = taken([
    { stream },
    request,
    url,
    stream,
    transfer(new ArrayBuffer(1)),
  ]);
  const kinds = packed.departing.map(({ kind }) => kind);
  assertEquals(kinds, ["readable", "request", "value"]);
  const value = packed.value as unknown[];
  const { placeholder } = packed.departing[0];
  assertStrictEquals((value[0] as { stream: object }).stream, placeholder);
  assertStrictEquals(value[3], placeholder);
  assertEquals(packed.departing[2].data, "http://a/");
});

/** Values that cannot move, or not together, with parts of the message. */
const UNMOVABLE: [says: string[], make: () => unknown[]][] = [
  [["args[0].header (Uint8Array)", "pool"], () => [{
    header: transfer(Buffer.from("small")),
  }]],
  [["args[0] (MessagePort) is closed"], () => [transfer(port())]],
  [
    ["args[0].r (Request)", "args[0].body (ReadableStream)", "only once"],
    () => {
      const body = new Blob(["data"]).stream();
      const r = new Request("http://a/", { method: "POST", body });
      return [{ r, body: r.body }];
    },
  ],
  [["args[0] (TransformStream)", "args[1] (ReadableStream)"], () => {
    const transform = new TransformStream();
    return [transfer(transform), transform.readable];
  }],
];

for (const [says, make] of UNMOVABLE) {
  Deno.test(`pack() refuses what cannot move: ${says[0]}`, () => {
    const { message } = refusal(make());
    for (const part of says) assertStringIncludes(message, part);
  });
}

Deno.test("the refusal of a transfer list names the value that cannot move", () => {
  for (
    const [moved, name, why] of [
      [detached(new ArrayBuffer(8)), "ArrayBuffer", "is already detached"],
      [new SharedArrayBuffer(8), "SharedArrayBuffer", "cannot be moved"],
      [
        new Uint8Array(1),
        "Uint8Array",
        "cannot be moved: move its `buffer`",
      ],
      [lockedStream(), "ReadableStream", "is locked"],
      [1, "Number", "cannot be moved"],
      [null, "Null", "cannot be moved"],
    ]
  ) {
    assertEquals(
      refusal([], { transfer: [moved as Transferable] }).message,
      `a value in the transfer list of args (${name}) ${why}`,
    );
  }
});

Deno.test("a long array that cannot be cloned is refused before anything moves", () => {
  const bad = Object.assign(Array(100_001).fill(1), { extra: () => {} });
  const buffer = transfer(new ArrayBuffer(8));
  assertEquals(
    refusal([{ buffer, bad }]).message,
    "args[0].bad (Array) cannot be cloned",
  );
});

// Views and large buffers.

Deno.test("a view arrives with only its own bytes", () => {
  const pooled = Buffer.from("harmless");
  assert(pooled.buffer.byteLength > 8);
  const [view] = sent([pooled]);
  assertEquals([view.buffer.byteLength, new TextDecoder().decode(view)], [
    8,
    "harmless",
  ]);
  assertEquals(pack(pooled, "args").value.buffer.byteLength, 8);
  const [map, set] = sent([
    new Map<unknown, unknown>([[1, 1], [2, pooled], [pooled, 3]]),
    new Set<unknown>([0, pooled, "z"]),
  ]);
  assertEquals([...map.keys()], [1, 2, view]);
  assertEquals([...set], [0, view, "z"]);
});

Deno.test("overlapping views share memory and keep their alignment, other views do not", () => {
  const buffer = Uint8Array.from({ length: 64 }, (_, i) => i).buffer;
  const views = [
    new Uint8Array(buffer, 3, 10),
    new Float64Array(buffer, 8, 1),
    new DataView(buffer, 12, 2),
    new Uint16Array(buffer, 40, 2),
    new Uint8Array(buffer, 50, 0),
  ] as const;
  const [bytes, double, data, words, none] = sent(views);
  assertEquals([bytes, double, words, none], [
    views[0],
    views[1],
    views[3],
    views[4],
  ]);
  assertEquals([data.getUint8(0), data.byteLength], [12, 2]);
  assertStrictEquals(bytes.buffer, double.buffer);
  assertStrictEquals(bytes.buffer, data.buffer);
  assertEquals([words.buffer.byteLength, none.buffer.byteLength], [4, 0]);
  // The bytes before the views arrive as zeros.
  assertEquals([...new Uint8Array(bytes.buffer, 0, bytes.byteOffset)], [
    0,
    0,
    0,
  ]);
});

Deno.test("random views of one buffer arrive equal, and overlap as they did", () => {
  const classes = [
    Uint8Array,
    Int16Array,
    Float32Array,
    BigInt64Array,
  ] as const;
  const view = fc.record({
    Class: fc.constantFrom(...classes),
    at: fc.nat(30),
    length: fc.nat(4),
  });
  fc.assert(
    fc.property(fc.array(view, { maxLength: 6 }), (plans) => {
      const buffer = Uint8Array.from({ length: 512 }, (_, i) => i * 7).buffer;
      const views = plans.map(({ Class, at, length }) => {
        return new Class(buffer, at * Class.BYTES_PER_ELEMENT, length);
      });
      const copies = sent([...views, ...views]);
      assert(isDeepStrictEqual(copies, [...views, ...views]));
      const end = ({ byteOffset, byteLength }: ArrayBufferView) =>
        byteOffset + byteLength;
      for (const [i, a] of views.entries()) {
        assertStrictEquals(copies[i], copies[i + views.length]);
        for (const [j, b] of views.entries()) {
          if (a.byteOffset < end(b) && b.byteOffset < end(a)) {
            assertStrictEquals(copies[i].buffer, copies[j].buffer);
            assertEquals(
              copies[i].byteOffset - copies[j].byteOffset,
              a.byteOffset - b.byteOffset,
            );
          }
        }
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("a view arrives with its whole buffer if that is sent too, is resizable, or moves", () => {
  const view = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
  const [same, buffer] = sent([view, view.buffer] as const);
  assertStrictEquals(same.buffer, buffer);
  const resizable = new Uint8Array(new ArrayBuffer(4, { maxByteLength: 8 }), 1);
  assertEquals(sent([resizable])[0].buffer.byteLength, 4);
  const moved = sent([transfer(view)])[0];
  assertEquals([moved.buffer.byteLength, [...moved]], [4, [2, 3]]);
});

Deno.test("large buffers are lent: their copies move, and restore() puts the originals back", () => {
  const bytes = new Uint8Array(LARGE + 8).fill(1);
  const part = new Uint8Array(new ArrayBuffer(3 * LARGE), 8, LARGE).fill(2);
  const value = {
    bytes,
    map: new Map([["part", part]]),
    small: new Uint8Array(3),
  };
  const { value: packed, lent } = pack([value], "args");
  const loan = lent!.lend();
  assertEquals(loan.moves.map((moved) => moved.byteLength), [LARGE + 8, LARGE]);
  const [copy] = structuredClone(packed, { transfer: loan.moves });
  assertEquals(copy, value);
  lent!.restore(loan.copies);
  assertStrictEquals(packed[0].bytes, bytes);
  assertEquals(packed, [value]);
});

Deno.test("buffers that are small, shared, resizable, overlapping or moving are not lent", () => {
  const length = 2 * LARGE;
  const buffer = new ArrayBuffer(length);
  for (
    const value of [
      Array.from({ length: 20 }, () => new Uint8Array(LARGE)),
      Array.from({ length: 10 }, () => new Uint8Array(LARGE - 1)),
      [new Uint8Array(buffer), new Uint8Array(buffer)],
      [new ArrayBuffer(length, { maxByteLength: length })],
      [new Uint8Array(new SharedArrayBuffer(length))],
      [transfer(new ArrayBuffer(length))],
    ]
  ) assertEquals(pack(value, "args").lent, undefined);
});

Deno.test("a single moving buffer is packed as it is among other values", () => {
  const alone = transfer(new ArrayBuffer(8));
  const marked = pack(alone, "result");
  assertEquals(marked.value, alone);
  assertEquals([marked.moves, marked.marked], [[alone], [alone]]);
  const named = new ArrayBuffer(8);
  const args = [named, 1, "text", named];
  const packed = pack(args, "args", { transfer: [named] });
  assertEquals(packed.value, args);
  assertNotStrictEquals(packed.value, args);
  assertEquals([packed.moves, packed.marked], [[named], []]);
  const beside = pack([args, {}], "args", { transfer: [named] });
  assertEquals(beside.moves, [named]);
  assertEquals([packed.isOwn, beside.isOwn], [false, false]);
  assertEquals([marked.size, packed.size, beside.size], [8, 20, 20]);
});

Deno.test("a buffer that is both listed and marked uses up its mark", () => {
  const buffer = transfer(new ArrayBuffer(8));
  const packed = pack([buffer], "args", { transfer: [buffer] });
  assertEquals([packed.moves, packed.marked], [[buffer], [buffer]]);
});

Deno.test("pack() names the getter that throws, also next to a moving buffer", () => {
  const buffer = new ArrayBuffer(8);
  const args = Object.defineProperty([buffer, 0], 1, {
    get: () => {
      throw new Error("no");
    },
    enumerable: true,
  });
  assertThrows(
    () => pack(args, "args", { transfer: [buffer] }),
    JobCloneError,
    "args[1] cannot be read: no",
  );
  assertEquals(buffer.byteLength, 8);
});

Deno.test("a sparse array of great length is packed by its items", () => {
  const array: number[] = [];
  array[2 ** 31] = 1;
  const { value } = pack([array], "args");
  assertEquals(value[0].length, 2 ** 31 + 1);
  assertEquals(Object.keys(value[0]), [`${2 ** 31}`]);
});
