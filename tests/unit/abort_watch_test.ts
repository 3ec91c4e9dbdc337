// Tests AbortWatch: followers of a signal share one listener, and are called in order.
import { assertEquals } from "@std/assert";
import { AbortWatch } from "../../src/values/abort_watch.ts";
import { countedSignal } from "../kinds.ts";

function setup() {
  const heard: string[] = [];
  const watch = new AbortWatch<string>((follower, reason) => {
    heard.push(`${follower}: ${reason}`);
    if (follower === "b") watch.remove(signal, 3);
  });
  const { signal, controller, counts, listeners } = countedSignal();
  return { heard, watch, signal, controller, counts, listeners };
}

Deno.test("AbortWatch adds one listener to a signal with many followers", () => {
  const { heard, watch, signal, controller, counts, listeners } = setup();
  for (const [i, name] of ["a", "b", "c", "d"].entries()) {
    watch.add(signal, i + 1, name);
  }
  watch.remove(signal, 1);
  assertEquals([counts.added, listeners.size], [1, 1]);
  controller.abort("late");
  // "a" was removed first, and the callback of "b" has removed "c".
  assertEquals(heard, ["b: late", "d: late"]);
  assertEquals(listeners.size, 0);
});

Deno.test("AbortWatch removes its listener with the last follower", () => {
  const { heard, watch, signal, controller, counts, listeners } = setup();
  watch.add(signal, 1, "a");
  watch.add(signal, 2, "b");
  watch.remove(signal, 1);
  watch.remove(signal, 1); // has no effect
  assertEquals(listeners.size, 1);
  watch.remove(signal, 2);
  assertEquals(listeners.size, 0);
  watch.add(signal, 3, "c");
  assertEquals([counts.added, listeners.size], [2, 1]);
  controller.abort("late");
  assertEquals(heard, ["c: late"]);
});
