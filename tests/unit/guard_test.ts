// Tests guard(), in this thread.
import { assert, assertEquals, assertThrows } from "@std/assert";
import { STOPPED } from "../../src/worker/ending_sender.ts";
import { guard } from "../../src/worker/guard.ts";

/** Returns the value that a guarded call throws. */
function thrownBy(call: () => unknown, ms: number): unknown {
  try {
    guard(call, ms);
  } catch (thrown) {
    return thrown;
  }
  throw new Error("Expected the call to throw");
}

Deno.test("guard() returns the result of a call, or throws its error", () => {
  assertEquals(guard(() => 1, 1000), 1);
  assertEquals(guard(() => undefined, 1000), undefined);
  assertEquals(
    thrownBy(() => {
      throw undefined;
    }, 1000),
    undefined,
  );
  assertThrows(
    () =>
      guard(() => {
        throw new RangeError("own");
      }, 1000),
    RangeError,
    "own",
  );
});

Deno.test("guard() stops a loop, a wait and a regular expression", () => {
  const cell = new Int32Array(new SharedArrayBuffer(4));
  const calls: (() => unknown)[] = [
    () => {
      while (true);
    },
    () => Atomics.wait(cell, 0, 0),
    () => /^(a+)+$/.test("a".repeat(40) + "b"),
  ];
  for (const call of calls) {
    const start = performance.now();
    assertEquals(thrownBy(call, 20), STOPPED);
    assert(performance.now() - start < 2000);
  }
});

Deno.test("guard() stops a call that has catch and finally blocks", () => {
  let wentOn = false;
  const loop = (): void => {
    while (true);
  };
  assertEquals(
    thrownBy(() => {
      try {
        loop();
      } catch {
        wentOn = true;
      } finally {
        wentOn = true;
      }
    }, 20),
    STOPPED,
  );
  assertEquals(wentOn, false);
  assertEquals(guard(() => "next", 20), "next");
});

Deno.test("guard() can be nested", () => {
  assertEquals(guard(() => guard(() => 2, 1000), 1000), 2);
});
