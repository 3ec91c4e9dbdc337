// When a client that takes nothing is given up.
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

Deno.test("a client is given up that takes nothing for two minutes", () => {
  const [stalled, slow, gone] = [makeClient(), makeClient(), makeClient()];
  for (const one of [stalled, slow, gone]) watch(one);
  unwatch(gone);
  const pass = (ms: number) => {
    for (let passed = 0; passed < ms; passed += EVERY) look();
  };
  const givenUp = () => [stalled, slow, gone].map((one) => one.isGivenUp);
  pass(60_000);
  slow.looks = 0; // it takes something
  pass(60_000);
  assertEquals(givenUp(), [false, false, false]);
  pass(EVERY);
  assertEquals(givenUp(), [true, false, false]);
  pass(60_000);
  assertEquals(givenUp(), [true, true, false]);
});
