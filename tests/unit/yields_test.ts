// Tests both ends of yielded values and of progress reports, in one thread.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { JobCloneError } from "../../src/errors.ts";
import { Channel } from "../../src/flow/channel.ts";
import { FlowEvent } from "../../src/flow/events.ts";
import { WINDOW } from "../../src/flow/window.ts";
import {
  ProgressArrival,
  ProgressDeparture,
} from "../../src/moving/progress.ts";
import {
  listOf,
  YieldsArrival,
  YieldsDeparture,
} from "../../src/moving/yields.ts";
import { joinLinks, settled } from "./links.ts";

/** Makes both ends, and counts the messages between them. */
function joinYields(window = 1024, isShared = true) {
  const { main, worker, posted } = joinLinks(isShared);
  const reader = new YieldsDeparture(window);
  const writer = new YieldsArrival(worker, reader.send(main));
  const chunks = () =>
    posted.filter(({ to, events }) => to === "main" && events);
  const readAll = () => {
    const values: unknown[] = [];
    while (reader.hasValue) values.push(reader.take());
    return values;
  };
  return { reader, writer, chunks, readAll };
}

for (const isShared of [true, false]) {
  const way = isShared ? "with shared memory" : "by messages alone";

  Deno.test(`values of one turn arrive in order, and together: ${way}`, async () => {
    const { writer, chunks, readAll } = joinYields(1024, isShared);
    const values = [1, 2, { a: 1 }, { b: 2 }, "x", new Uint8Array([1]), null];
    for (const value of values) writer.push(value);
    writer.flush();
    await settled();
    assertEquals(readAll(), values);
    for (let i = 0; i < 100; i++) writer.push(i);
    const before = chunks().length;
    writer.flush();
    await settled();
    assertEquals(readAll().length, 100);
    assertEquals(chunks().length - before, 1);
  });

  Deno.test(`YieldsArrival.hasRoom is false until the reader has read: ${way}`, async () => {
    const { writer, reader, readAll } = joinYields(8, isShared);
    let count = 0;
    for (let read = 0; read < 40;) {
      while (writer.hasRoom) writer.push(count++);
      const room = writer.room();
      await settled();
      assertEquals(count - read, 8);
      const first = reader.take();
      assertEquals(first, read++);
      for (const value of readAll()) assertEquals(value, read++);
      await settled();
      assert(writer.hasRoom);
      await room;
    }
  });
}

Deno.test("values of alternating kinds, each in its own chunk, stay within the credit", async () => {
  const { writer, chunks, readAll } = joinYields(5_000, false);
  for (let i = 0; writer.hasRoom; i++) writer.push(i % 2 ? i : { i });
  const room = writer.room();
  await settled();
  const sizes = chunks().flatMap(({ events }) =>
    events!.filter((_, i) => i % 3 === 2).map((value) => (value as number[])[1])
  );
  assert(sizes.length > 2);
  let credit = WINDOW;
  for (const size of sizes) {
    assert(credit > 0);
    credit -= size;
  }
  readAll();
  await room;
});

Deno.test("a list gives credit only when all its values are read", async () => {
  const { writer, reader } = joinYields(4);
  while (writer.hasRoom) writer.push(1);
  writer.flush();
  await settled();
  reader.take();
  await settled();
  assertEquals(writer.hasRoom, true, "each fourth of the window is a list");
  writer.push(1);
  assertEquals(writer.hasRoom, false);
  writer.end();
  await settled();
});

Deno.test("a value larger than the window is sent alone", async () => {
  const { writer, readAll } = joinYields();
  writer.push(new Uint8Array(3 * 1024 * 1024));
  assertEquals(writer.hasRoom, false);
  await settled();
  assertEquals((readAll()[0] as Uint8Array).length, 3 * 1024 * 1024);
  await settled();
  assertEquals(writer.hasRoom, true);
});

Deno.test("changes to a value after it was yielded have no effect", async () => {
  const { writer, readAll } = joinYields();
  const object = { list: [1] };
  const map = new Map([[1, new Uint8Array([1])]]);
  writer.push(object);
  writer.push(map);
  object.list.push(2);
  map.get(1)!.fill(2);
  writer.flush();
  await settled();
  assertEquals(readAll(), [{ list: [1] }, new Map([[1, new Uint8Array([1])]])]);
});

Deno.test("YieldsArrival.push() refuses a value that cannot be cloned, and sends the other values", async () => {
  const { writer, readAll } = joinYields();
  writer.push(1);
  assertThrows(() => writer.push({ f() {} }), JobCloneError, "value.f");
  assertThrows(
    () => writer.push([new ReadableStream()]),
    JobCloneError,
    "can move only as an argument or a result",
  );
  writer.push(2);
  writer.flush();
  await settled();
  assertEquals(readAll(), [1, 2]);
});

Deno.test("the reader closes after the writer has ended, with all values", async () => {
  const { reader, writer, readAll } = joinYields();
  writer.push(1);
  writer.end();
  await reader.closed;
  assertEquals(reader.isOpen, false);
  assertEquals(readAll(), [1]);
});

Deno.test("YieldsArrival.abort() stops the writer, and gives it room to end", async () => {
  const { writer } = joinYields(1);
  writer.push(1);
  const room = writer.room();
  writer.abort();
  await room;
  assertEquals([writer.isStopped, writer.hasRoom], [true, true]);
  await settled();
});

Deno.test("listOf() refuses chunks that are not lists of values", () => {
  for (const chunk of ["1", "[]", "{}", {}, [], { length: 1 }, undefined]) {
    assertThrows(() => listOf(chunk), TypeError);
  }
  assertThrows(() => listOf("["), SyntaxError);
});

Deno.test("ProgressArrival.report() sends the first report at once, replaces frequent reports, and always sends the last", async () => {
  const { main, worker, posted } = joinLinks(false);
  const heard: unknown[] = [];
  const departure = new ProgressDeparture((value) => heard.push(value));
  const arrival = new ProgressArrival(worker, departure.send(main));
  const begun = performance.now();
  for (let i = 0; i < 1_000; i++) arrival.report(i);
  await settled();
  assertEquals(heard[0], 0);
  arrival.report({ last: true });
  arrival.end();
  await settled();
  assertEquals(heard.at(-1), { last: true });
  assert(heard.length <= 4, `${heard.length} were heard`);
  assert(posted.length <= 8, `${posted.length} messages`);
  const sent = posted.flatMap(({ events }) => events ?? [])
    .filter((value, i) => i % 3 === 1 && value === FlowEvent.OBJECT);
  const most = 2 + (performance.now() - begun) / 20;
  assert(sent.length > 0 && sent.length <= most, `${sent.length} were sent`);
  arrival.report("late");
  await settled();
  assertEquals(heard.at(-1), { last: true });
  assertEquals([departure.isOpen, main.isUsed], [false, false]);
});

Deno.test("reports without a pause are limited by the window", async () => {
  const { main, worker } = joinLinks();
  const departure = new ProgressDeparture(() => {});
  const { id } = departure.send(main);
  // A job in a process can send reports without a limit.
  const sender = new Channel({}, { in: 0, out: WINDOW });
  sender.join(worker, id);
  let count = 0;
  for (let i = 0; i < 1_000; i++) {
    if (!sender.outlet.hasCredit) continue;
    sender.outlet.send([count++], undefined, 4 * 1024);
  }
  assertEquals(count, WINDOW / (4 * 1024));
  await sender.outlet.until("hasCredit");
  departure.close();
  sender.leave();
  await settled();
});

Deno.test("ProgressDeparture.hearWhile() stops calling the listener once its condition is false", async () => {
  const { main, worker } = joinLinks();
  const heard: unknown[] = [];
  let isWanted = true;
  const departure = new ProgressDeparture((value) => heard.push(value));
  departure.hearWhile(() => isWanted);
  const arrival = new ProgressArrival(worker, departure.send(main));
  arrival.report(1);
  await settled();
  isWanted = false;
  arrival.report(2);
  arrival.end();
  await settled();
  assertEquals(heard, [1]);
});
