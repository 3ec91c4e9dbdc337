import { assert, assertEquals, assertFalse } from "@std/assert";
import { BLOCK } from "../../src/flow/blocks.ts";
import { FlowEvent } from "../../src/flow/events.ts";
import type { LinkEnd } from "../../src/flow/link.ts";
import { joinLinks, settled } from "./links.ts";

Deno.test.afterEach(settled);

const { DATA, END, DONE, CALL, CREDIT } = FlowEvent;

/** An end that records its events. */
class Ear implements LinkEnd {
  readonly heard: unknown[] = [];
  error: unknown;
  receive(event: FlowEvent, value: unknown): void {
    this.heard.push([event, value]);
  }
  fail(error: unknown): void {
    this.error = error;
  }
}

for (const isShared of [true, false]) {
  const how = isShared ? "with rings" : "without rings";

  Deno.test(`Link.tell() keeps the order of short and long events, ${how}`, async () => {
    const { main, worker } = joinLinks(isShared);
    const ear = new Ear();
    const id = main.open(new Ear());
    worker.join(id, ear);
    const told = Array.from({ length: 60 }, (_, i) => {
      if (i % 7 === 3) return [CALL, { number: i }] as const;
      return [DATA, new Uint8Array([i])] as const;
    });
    for (const [i, [event, value]] of told.entries()) {
      main.tell(id, event, value);
      if (i % 20 === 19) await settled();
    }
    await settled();
    assertEquals(ear.heard, told.map(([event, value]) => [event, value]));
  });

  Deno.test(`Link.join() delivers earlier events, ${how}`, async () => {
    const { main, worker } = joinLinks(isShared);
    const id = main.open(new Ear());
    main.tell(id, DATA, new Uint8Array([1]));
    main.tell(id, DATA, "text");
    main.tell(id, END);
    await settled();
    const ear = new Ear();
    worker.join(id, ear);
    assertEquals(ear.heard, [
      [DATA, new Uint8Array([1])],
      [DATA, "text"],
      [END, undefined],
    ]);
  });
}

Deno.test("Link.join() accepts channels in any order, in both directions", async () => {
  for (const [from, to] of [["main", "worker"], ["worker", "main"]] as const) {
    const links = joinLinks();
    const ids = [1, 2, 3].map(() => links[from].open(new Ear()));
    for (const id of ids) links[from].tell(id, DONE);
    await settled();
    const ears = ids.map(() => new Ear());
    for (const i of [1, 0, 2]) links[to].join(ids[i], ears[i]);
    links[from].tell(ids[0], DONE);
    await settled();
    assertEquals(ears.map(({ heard }) => heard.length), [2, 1, 1]);
  }
});

Deno.test("Link.close() drops later events of the channel", async () => {
  const { main, worker } = joinLinks();
  const ear = new Ear();
  const id = main.open(new Ear());
  worker.join(id, ear);
  assert(worker.isUsed);
  worker.close(id);
  assertFalse(worker.isUsed);
  main.tell(id, DATA, new Uint8Array([1]));
  main.tell(id, DATA, "text");
  await settled();
  assertEquals(ear.heard, []);
});

Deno.test("Link.tell() sends one message per turn, and none for short events", async () => {
  const { main, posted } = joinLinks();
  const id = main.open(new Ear());
  for (let i = 0; i < 100; i++) main.tell(id, DATA, new Uint8Array([i]));
  await settled();
  assertEquals(posted, [{ to: "worker", events: undefined }]);
  for (let i = 0; i < 100; i++) main.tell(id, DATA, "text");
  await settled();
  assertEquals(posted.length, 2);
  assertEquals(posted[1].events!.length, 300);
});

Deno.test("Link.tell() wakes main in the middle of a worker's long turn", async () => {
  const { worker, posted } = joinLinks();
  const id = worker.open(new Ear());
  // The link checks the time at each call.
  while (posted.length < 3) worker.tell(id, DATA, "text");
  await settled();
});

Deno.test("Link.tell() moves buffers", async () => {
  const { main, worker } = joinLinks();
  const ear = new Ear();
  const id = main.open(new Ear());
  worker.join(id, ear);
  const bytes = new Uint8Array(20_000).fill(7);
  main.tell(id, DATA, bytes, [bytes.buffer]);
  await settled();
  assertEquals(bytes.length, 0);
  assertEquals(ear.heard, [[DATA, new Uint8Array(20_000).fill(7)]]);
});

Deno.test("Link.tellBytes() sends long bytes in blocks while blocks are free", async () => {
  const { main, worker } = joinLinks();
  const ear = new Ear();
  const id = main.open(new Ear());
  worker.join(id, ear);
  let sent = 0;
  while (main.tellBytes(id, new Uint8Array(BLOCK).fill(sent))) sent++;
  assertEquals(sent, 32);
  await settled();
  const chunks = ear.heard.map((heard) => (heard as [unknown, Uint8Array])[1]);
  assertEquals(chunks.map((bytes) => bytes[BLOCK - 1]), [...chunks.keys()]);
  assertFalse(main.tellBytes(id, new Uint8Array(BLOCK)));
  for (const bytes of chunks) worker.release(bytes);
  worker.flush();
  await settled();
  assert(main.tellBytes(id, new Uint8Array(BLOCK)));
  await settled();
});

Deno.test("Link frees the blocks that arrive for a closed channel", async () => {
  const { main, worker } = joinLinks();
  const id = main.open(new Ear());
  worker.join(id, new Ear());
  worker.close(id);
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 32; i++) {
      assert(main.tellBytes(id, new Uint8Array(BLOCK)));
    }
    await settled();
    worker.flush();
    await settled();
  }
});

Deno.test("Link.tellBytes() sends nothing without shared memory", () => {
  const { main } = joinLinks(false);
  const id = main.open(new Ear());
  assertFalse(main.tellBytes(id, new Uint8Array([1])));
  assertFalse(main.tellBytes(id, new Uint8Array(BLOCK)));
});

Deno.test("Link.tellEnded() keeps its order among other events", async () => {
  const { main, worker } = joinLinks();
  const heard: unknown[] = [];
  const ear: LinkEnd = {
    receive: (_event, value) => heard.push(value),
    fail() {},
  };
  const id = worker.open(new Ear());
  main.join(id, ear);
  main.onEnded = (seq) => heard.push(seq);
  worker.tell(id, CREDIT, 64);
  worker.tellEnded(1);
  worker.tell(id, CALL, "text");
  worker.tellEnded(2);
  await settled();
  assertEquals(heard, [64, 1, "text", 2]);
});

Deno.test("Link.isOtherInTurn is true for one turn", async () => {
  const { main, worker } = joinLinks();
  worker.tell(worker.open(new Ear()), DONE);
  assert(main.isOtherInTurn);
  await settled();
  assertFalse(main.isOtherInTurn);
});

Deno.test("Link.fail() delivers the events left in the ring, and fails all ends", async () => {
  const { main, worker } = joinLinks();
  const ears = [new Ear(), new Ear()];
  const ids = ears.map((ear) => main.open(ear));
  worker.join(ids[0], new Ear());
  worker.tell(ids[0], DATA, new Uint8Array([1]));
  const error = new Error("gone");
  main.fail(error);
  assertEquals(ears[0].heard, [[DATA, new Uint8Array([1])]]);
  assertEquals(ears.map((ear) => ear.error), [error, error]);
  assertFalse(main.isUsed);
  await settled();
});
