// Tests the example of a program migrated from piscina.
import { assertEquals } from "@std/assert";
import { runExample } from "./example.ts";

Deno.test("the program migrated from piscina prints the same as before", async () => {
  const before = await runExample("piscina/before.mjs");
  // printf spindle | md5sum, and so on
  const hashes = "f5e30c36 dc127f5d b10a8c0b";
  assertEquals(before, [hashes, "255 155 0 0", "TimeoutError", "0 waiting"]);
  assertEquals(await runExample("piscina/after.ts"), before);
});
