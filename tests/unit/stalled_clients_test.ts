// Tests when the connection of a client that reads nothing is closed.
import { assertEquals } from "@std/assert";
import {
  EVERY,
  look,
  unwatch,
  watch,
} from "../../src/moving/stalled_clients.ts";

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

Deno.test("a connection is closed when its client reads nothing for two minutes", () => {
  const [stalled, slow, gone] = [makeClient(), makeClient(), makeClient()];
  for (const one of [stalled, slow, gone]) watch(one);
  unwatch(gone);
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += EVERY) look();
  };
  const givenUp = () => [stalled, slow, gone].map((one) => one.isGivenUp);
  pass(60_000);
  slow.looks = 0; // its client reads
  pass(60_000);
  assertEquals(givenUp(), [false, false, false]);
  pass(EVERY);
  assertEquals(givenUp(), [true, false, false]);
  pass(60_000);
  assertEquals(givenUp(), [true, true, false]);
});
