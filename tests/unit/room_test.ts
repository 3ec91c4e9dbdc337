import { assertEquals, assertRejects } from "@std/assert";
import { endOfTurn } from "../../src/flow/end_of_turn.ts";
import { Room } from "../../src/job/room.ts";

function waiters(room: Room, count: number): string[] {
  const log: string[] = [];
  for (let i = 0; i < count; i++) {
    room.wait().then(() => log.push(`${i} in`), (e) => log.push(`${i} ${e}`));
  }
  return log;
}

function leave(room: Room): void {
  room.leave();
  room.release();
}

Deno.test("Room.wait() resolves at once for as many callers as there is room for", async () => {
  const room = new Room(2, () => {});
  room.enter();
  const log = waiters(room, 2);
  await Promise.resolve();
  assertEquals(log, ["0 in"]);
  room.refuse(() => new Error("closed"));
  await endOfTurn();
});

Deno.test("Room.wait() resolves for the next caller if the first has not used its room by the end of the turn", async () => {
  const room = new Room(1, () => {});
  const log = waiters(room, 3);
  for (let i = 0; i < 4; i++) await endOfTurn();
  assertEquals(log, ["0 in", "1 in", "2 in"]);
});

Deno.test("Room counts a released caller that has used its room only once", async () => {
  const room = new Room(2, () => {});
  await room.wait();
  assertEquals([room.isFree, room.hasRoomFor(2)], [true, true]);
  room.enter();
  assertEquals(room.isFree, true);
  room.take();
  assertEquals(room.isFree, false);
  await endOfTurn();
  assertEquals(room.isFree, true);
});

Deno.test("Room.release() releases one caller in order for each job that has left", async () => {
  const room = new Room(2, () => {});
  room.enter();
  room.enter();
  const log = waiters(room, 3);
  leave(room);
  await Promise.resolve();
  assertEquals(log, ["0 in"]);
  room.enter();
  await endOfTurn();
  assertEquals(log, ["0 in"]);
  leave(room);
  leave(room);
  await Promise.resolve();
  assertEquals(log, ["0 in", "1 in", "2 in"]);
  await endOfTurn();
});

Deno.test("Room.refuse() rejects all waiting callers", async () => {
  const room = new Room(0, () => {});
  const waiting = [room.wait(), room.wait()];
  room.refuse(() => new Error("closed"));
  for (const wait of waiting) await assertRejects(() => wait, Error, "closed");
});

Deno.test("Room.leave() calls back when no jobs are left, and never counts below 0", () => {
  let empty = 0;
  const room = new Room(5, () => empty++);
  room.enter();
  room.enter();
  room.leave();
  assertEquals([room.jobs, empty], [1, 0]);
  room.leave();
  assertEquals([room.jobs, empty], [0, 1]);
  room.enter();
  room.clear();
  room.leave();
  assertEquals([room.jobs, empty], [0, 1]);
  assertEquals(room.hasRoomFor(5), true);
  assertEquals(room.hasRoomFor(6), false);
});
