// When a client that takes nothing is given up.
import { assertEquals } from "@std/assert";
import { FakeTime } from "@std/testing/time";
import { unwatch, watch } from "../../src/moving/stalled_clients.ts";

function makeClient() {
  return {
    watchNumber: 0,
    looks: 0,
    isGivenUp: false,
    close() {
      this.isGivenUp = true;
      unwatch(this);
    },
  };
}

Deno.test("a client is given up that takes nothing for two minutes", () => {
  using time = new FakeTime();
  const [stalled, slow, gone] = [makeClient(), makeClient(), makeClient()];
  for (const one of [stalled, slow, gone]) watch(one);
  unwatch(gone);
  const givenUp = () => [stalled, slow, gone].map((one) => one.isGivenUp);
  time.tick(100_000);
  slow.looks = 0; // it takes something
  time.tick(20_000);
  assertEquals(givenUp(), [false, false, false]);
  time.tick(20_000);
  assertEquals(givenUp(), [true, false, false]);
  time.tick(100_000);
  assertEquals(givenUp(), [true, true, false]);
});
