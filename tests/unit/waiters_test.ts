// Tests Waiters: waiting callers are released in order, and can stop by a signal.
import { assertEquals, assertRejects } from "@std/assert";
import { Waiters } from "../../src/job/waiters.ts";
import { countedSignal } from "../kinds.ts";

/** Records under this name how waiting ended. */
function note(notes: string[], name: string, waiting: Promise<void>) {
  return waiting.then(
    () => notes.push(name),
    (reason) => notes.push(`${name}: ${reason}`),
  );
}

Deno.test("Waiters.releaseFirst() releases callers in order, also later callers", async () => {
  const waiters = new Waiters();
  const notes: string[] = [];
  const all = ["a", "b"].map((name) => note(notes, name, waiters.wait()));
  waiters.releaseFirst();
  waiters.releaseFirst();
  waiters.releaseFirst(); // no caller waits
  all.push(note(notes, "c", waiters.wait()), note(notes, "d", waiters.wait()));
  assertEquals(waiters.length, 2);
  waiters.releaseFirst();
  waiters.releaseFirst();
  await Promise.all(all);
  assertEquals(notes, ["a", "b", "c", "d"]);
  assertEquals(waiters.length, 0);
});

Deno.test("Waiters.wait() rejects and gives up its place when its signal aborts", async () => {
  const waiters = new Waiters();
  const notes: string[] = [];
  const clients = Array.from({ length: 4 }, () => new AbortController());
  const all = clients.map(({ signal }, i) =>
    note(notes, String(i), waiters.wait(signal))
  );
  clients[0].abort("left");
  clients[2].abort("left");
  assertEquals(waiters.length, 2);
  waiters.releaseFirst();
  clients[1].abort("too late");
  waiters.releaseFirst();
  await Promise.all(all);
  assertEquals(notes, ["0: left", "2: left", "1", "3"]);
});

Deno.test("Waiters.wait() rejects at once if its signal is already aborted", async () => {
  const waiters = new Waiters();
  await assertRejects(() => waiters.wait(AbortSignal.abort()), DOMException);
  assertEquals(waiters.length, 0);
});

Deno.test("Waiters.release() releases all, and refuse() rejects all", async () => {
  const waiters = new Waiters();
  const notes: string[] = [];
  const released = [waiters.wait(), waiters.wait()];
  waiters.release();
  await Promise.all(released);
  const refused = ["a", "b"].map((name) => note(notes, name, waiters.wait()));
  waiters.refuse(() => "closed");
  await Promise.all(refused);
  assertEquals(notes, ["a: closed", "b: closed"]);
  assertEquals(waiters.length, 0);
});

Deno.test("Waiters.wait() adds one listener to a signal that callers share", async () => {
  const waiters = new Waiters();
  const { signal, controller, listeners } = countedSignal();
  const notes: string[] = [];
  const all = ["a", "b", "c"].map((name) =>
    note(notes, name, waiters.wait(signal))
  );
  assertEquals(listeners.size, 1);
  waiters.releaseFirst();
  controller.abort("left");
  await Promise.all(all);
  assertEquals(notes, ["a", "b: left", "c: left"]);
  assertEquals([waiters.length, listeners.size], [0, 0]);
});
