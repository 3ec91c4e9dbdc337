import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { Channel, type ChannelOwner } from "../../src/flow/channel.ts";
import { FlowEvent } from "../../src/flow/events.ts";
import { AHEAD, CREDIT_STEP, WINDOW } from "../../src/flow/window.ts";
import { joinLinks, settled } from "./links.ts";

Deno.test.afterEach(settled);

const CHUNK = 64 * 1024;

/** Makes both ends of a channel. Chunks flow from `from` to `to`. */
function makeEnds(options: {
  credit?: number;
  isShared?: boolean;
  from?: ChannelOwner;
  to?: ChannelOwner;
} = {}) {
  const { credit = WINDOW, isShared } = options;
  const links = joinLinks(isShared);
  const from = new Channel(options.from ?? {}, { in: 0, out: credit });
  const to = new Channel(options.to ?? {}, { in: credit, out: 0 });
  const open = (isOnce = true) => {
    to.join(links.worker, from.open(links.main, isOnce));
  };
  return { ...links, from, to, open };
}

/** Sends while there is credit. Returns the number of chunks. */
function sendAll({ outlet }: Channel, size = CHUNK): number {
  let count = 0;
  for (; outlet.hasCredit; count++) outlet.send(new Uint8Array(size));
  return count;
}

for (const isShared of [true, false]) {
  const how = isShared ? "with rings" : "without rings";
  Deno.test(`Inlet.take() returns the chunks of Outlet.send(), ${how}`, async () => {
    const { from, to, open } = makeEnds({ isShared });
    open();
    const chunks = ["text", 5, null, new Uint8Array([1, 2]), { a: [1] }, ""];
    for (const chunk of chunks) from.outlet.send(chunk);
    from.outlet.end();
    const taken: unknown[] = [];
    for (;;) {
      await to.inlet.more();
      if (!to.inlet.hasChunk) break;
      taken.push(to.inlet.take());
    }
    assertEquals(taken, chunks);
    assert(to.inlet.hasEnded && !to.inlet.hasFailed);
    await settled();
  });
}

Deno.test("Outlet.hasCredit is false once the window is full, until chunks are taken", async () => {
  const { from, to, open } = makeEnds();
  open();
  assertEquals(sendAll(from) * CHUNK, WINDOW);
  await settled();
  for (let i = 0; (i + 1) * CHUNK < CREDIT_STEP; i++) to.inlet.take();
  await settled();
  assertFalse(from.outlet.hasCredit);
  const until = from.outlet.until("hasCredit");
  to.inlet.take();
  await until;
  assertEquals(sendAll(from) * CHUNK, CREDIT_STEP);
  await settled();
});

Deno.test("Inlet.more() and open() give more credit than at the start", async () => {
  for (const ask of ["more", "open"] as const) {
    const { from, to, open } = makeEnds({ credit: AHEAD });
    open();
    assertEquals(sendAll(from, AHEAD), 1);
    await settled();
    if (ask === "more") to.inlet.take();
    to.inlet[ask]();
    await from.outlet.until("hasCredit");
    sendAll(from, AHEAD);
    await settled();
    if (ask === "more") assertEquals(to.inlet.all.length * AHEAD, WINDOW);
  }
});

Deno.test("Outlet.last() removes the credit limit", async () => {
  const { from, to, open } = makeEnds({ credit: 64 });
  open();
  sendAll(from);
  from.outlet.last();
  await from.outlet.until("hasCredit");
  from.outlet.end();
  await settled();
  assert(to.inlet.hasEnded);
});

Deno.test("Outlet.end() with an error fails the inlet after its chunks", async () => {
  let ended = 0;
  const { from, to, open } = makeEnds({ to: { ended: () => ended++ } });
  open();
  from.outlet.send("chunk");
  from.outlet.end({ thrown: new RangeError("broken") });
  await settled();
  assertEquals([ended, to.inlet.take()], [1, "chunk"]);
  assert(to.inlet.hasFailed);
  assertEquals((to.inlet.error as Error).message, "broken");
  await to.inlet.more();
});

Deno.test("Inlet.stop() sends its reason to the outlet, and drops all chunks", async () => {
  const reasons: unknown[] = [];
  const stopped = (reason: unknown) => void reasons.push(reason);
  const { from, to, open } = makeEnds({ from: { stopped } });
  open();
  sendAll(from);
  const waiting = from.outlet.until("hasCredit");
  to.inlet.stop(new Error("enough"));
  await waiting;
  await settled();
  assert(from.outlet.isStopped);
  assertEquals(reasons.map(String), ["Error: enough"]);
  assertFalse(to.inlet.hasChunk);
  await assertRejects(() => from.outlet.finish(), Error, "enough");
});

Deno.test("Outlet.finish() settles when the other end reports DONE", async () => {
  const { from, to, open } = makeEnds();
  open();
  let isDone = false;
  const finished = from.outlet.finish().then(() => isDone = true);
  await settled();
  assert(to.inlet.hasEnded && !isDone);
  to.tell(FlowEvent.DONE);
  await finished;
  await from.outlet.finish();
});

Deno.test("Channel.open() sends chunks again if the other end has not answered", async () => {
  const { from, main, worker } = makeEnds();
  from.outlet.send("first");
  from.outlet.sendBytes(new Uint8Array(20_000).fill(7), true);
  from.open(main, false);
  from.leave();
  const id = from.open(main, false);
  const to = new Channel({}, { in: WINDOW, out: 0 });
  to.join(worker, id);
  await settled();
  assertEquals(to.inlet.all, ["first", new Uint8Array(20_000).fill(7)]);
  assertFalse(from.outlet.isOpen);
  to.inlet.take();
  to.inlet.take();
  from.outlet.end();
  await settled();
  assert(to.inlet.hasEnded);
});

Deno.test("Channel.tell() notifies the owner of the other end", async () => {
  const heard: unknown[] = [];
  const { from, open } = makeEnds({
    to: {
      called: (value) => heard.push(value),
      closed: () => heard.push("closed"),
    },
  });
  open();
  from.tell(FlowEvent.CALL, ["name", 1]);
  from.tell(FlowEvent.CALL);
  from.tell(FlowEvent.CLOSE);
  await settled();
  assertEquals(heard, [["name", 1], undefined, "closed"]);
});

Deno.test("Channel.fail() ends both directions, and notifies the owners", async () => {
  const failures: unknown[] = [];
  const { from, to, main, worker, open } = makeEnds({
    from: { failed: (error) => failures.push(error) },
    to: { failed: (error) => failures.push(error) },
  });
  open();
  const error = new Error("gone");
  const more = to.inlet.more();
  const finished = assertRejects(() => from.outlet.finish(), Error, "gone");
  main.fail(error);
  worker.fail(error);
  await Promise.all([more, finished]);
  assertEquals(failures, [error, error]);
  assert(to.inlet.hasEnded && from.outlet.isStopped);
  await settled();
});

Deno.test("Channel.sendBlock() sends a block, and Channel.own() frees it", async () => {
  const { from, to, open } = makeEnds();
  open();
  const block = from.takeBlock()!;
  block.fill(5);
  from.sendBlock(block, 1000);
  await settled();
  const bytes = to.own(to.inlet.take() as Uint8Array);
  block.fill(6);
  assertEquals(bytes, new Uint8Array(1000).fill(5));
  await settled();
});

Deno.test("Channel.drop() frees the blocks of unread chunks, once", async () => {
  const { from, to, open, posted } = makeEnds();
  open();
  for (let i = 0; i < 4; i++) {
    assert(from.tellBytes(new Uint8Array(CHUNK).fill(i)));
  }
  await settled();
  to.drop();
  to.drop();
  assertEquals(to.inlet.all, []);
  to.tell(FlowEvent.CALL);
  await settled();
  // All 32 blocks are free, each only once.
  const blocks = Array.from({ length: 33 }, () => from.takeBlock());
  const offsets = blocks.map((block) => block?.byteOffset);
  assertEquals(new Set(offsets).size, 33);
  assert(posted.length > 0);
});
