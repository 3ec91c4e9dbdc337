import { assert, assertEquals, assertFalse } from "@std/assert";
import { FlowEvent } from "../../src/flow/events.ts";
import { FlowRing, MAX_RECORD_BYTES, SIZE } from "../../src/flow/ring.ts";

type Record = [id: number, event: FlowEvent, value: unknown];

function makeRing() {
  const writer = new FlowRing();
  const reader = new FlowRing(writer.buffer);
  return { writer, reader };
}

function readAll(reader: FlowRing, epoch = 0): Record[] {
  const records: Record[] = [];
  reader.read(epoch, (...record) => records.push(record));
  return records;
}

/** Returns consecutive numbers as bytes. */
function bytesOf(length: number, first: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => first + i);
}

Deno.test("FlowRing.read() returns numbers, bytes and events without a value in order", () => {
  const { writer, reader } = makeRing();
  const records: Record[] = [
    [1, FlowEvent.CREDIT, 1024 * 1024],
    [-2, FlowEvent.DATA, bytesOf(5, 7)],
    [3, FlowEvent.END, undefined],
    [0, FlowEvent.ENDED, 0],
    [4, FlowEvent.DATA, new Uint8Array(0)],
  ];
  for (const record of records) assert(writer.write(0, ...record));
  assertEquals(readAll(reader), records);
  assertEquals(readAll(reader), []);
});

Deno.test("FlowRing.write() refuses values that need a message", () => {
  const { writer, reader } = makeRing();
  const { DATA, END } = FlowEvent;
  assertFalse(writer.write(0, 1, DATA, "text"));
  assertFalse(writer.write(0, 1, DATA, 5));
  assertFalse(writer.write(0, 1, END, { error: 1 }));
  assertFalse(writer.write(0, 1, DATA, new Uint8Array(MAX_RECORD_BYTES + 1)));
  assert(writer.write(0, 1, DATA, new Uint8Array(MAX_RECORD_BYTES)));
  assertEquals(readAll(reader).length, 1);
});

Deno.test("FlowRing.write() refuses ids and values of more than 32 bits, and the id that marks unused room", () => {
  const { writer, reader } = makeRing();
  const { CREDIT, DATA } = FlowEvent;
  const bytes = new Uint8Array(5);
  for (const id of [2 ** 31 - 1, 2 ** 31, -(2 ** 31) - 1]) {
    assertFalse(writer.write(0, id, DATA, bytes));
  }
  for (const value of [2 ** 31, -(2 ** 31) - 1, 0.5]) {
    assertFalse(writer.write(0, 1, CREDIT, value));
  }
  const records: Record[] = [
    [2 ** 31 - 2, DATA, bytes],
    [-(2 ** 31), CREDIT, 2 ** 31 - 1],
  ];
  for (const record of records) assert(writer.write(0, ...record));
  assertEquals(readAll(reader), records);
});

Deno.test("FlowRing.write() refuses a record while the ring is full, until there is room", () => {
  const { writer, reader } = makeRing();
  const write = () => {
    return writer.write(0, 1, FlowEvent.DATA, new Uint8Array(MAX_RECORD_BYTES));
  };
  let written = 0;
  while (write()) written++;
  assert(
    written * MAX_RECORD_BYTES < SIZE &&
      (written + 2) * MAX_RECORD_BYTES >= SIZE,
  );
  assertFalse(write());
  assertEquals(readAll(reader).length, written);
  assert(write());
  assertEquals(readAll(reader).length, 1);
});

Deno.test("FlowRing wraps around with records of any length", () => {
  const { writer, reader } = makeRing();
  let total = 0;
  for (let i = 0; total < 5 * SIZE; i++) {
    const bytes = bytesOf(i * 37 % MAX_RECORD_BYTES, i);
    total += bytes.length;
    assert(writer.write(0, i, FlowEvent.DATA, bytes));
    assertEquals(readAll(reader), [[i, FlowEvent.DATA, bytes]]);
  }
});

Deno.test("FlowRing continues where positions pass 2 ** 31 and 2 ** 32", () => {
  for (const start of [-4096, 2 ** 31 - 4096]) {
    const { buffer } = new FlowRing();
    new Int32Array(buffer, 0, 2).fill(start);
    const [writer, reader] = [new FlowRing(buffer), new FlowRing(buffer)];
    for (let id = 0; id < 1000; id++) {
      const record: Record = [id, FlowEvent.DATA, bytesOf(id, 0)];
      assert(writer.write(0, ...record));
      assertEquals(readAll(reader), [record]);
    }
  }
});

Deno.test("FlowRing.read() does not read records of another epoch", () => {
  const { writer, reader } = makeRing();
  writer.write(0, 1, FlowEvent.DONE, undefined);
  writer.write(1, 2, FlowEvent.DONE, undefined);
  assertEquals(readAll(reader, 0), [[1, FlowEvent.DONE, undefined]]);
  assertEquals(readAll(reader, 0), []);
  assertEquals(readAll(reader, 1), [[2, FlowEvent.DONE, undefined]]);
});

Deno.test("FlowRing.read() can be called from its own callback", () => {
  const { writer, reader } = makeRing();
  for (let id = 1; id <= 3; id++) {
    writer.write(0, id, FlowEvent.DONE, undefined);
  }
  const ids: number[] = [];
  const hear = (id: number) => {
    ids.push(id);
    reader.read(0, hear);
  };
  reader.read(0, hear);
  assertEquals(ids, [1, 2, 3]);
});

Deno.test("FlowRing.read() does not read a half-written record", () => {
  const { writer, reader } = makeRing();
  writer.write(0, 1, FlowEvent.DONE, undefined);
  // A writer that dies can leave a record without its position.
  new Int32Array(writer.buffer, 12 + 12, 3).set([2, FlowEvent.DONE, 0]);
  assertEquals(readAll(reader), [[1, FlowEvent.DONE, undefined]]);
});

Deno.test("FlowRing.isInTurn shows the reader whether the writer is in a turn", () => {
  const { writer, reader } = makeRing();
  assertFalse(reader.isInTurn);
  writer.isInTurn = true;
  assert(reader.isInTurn);
});
