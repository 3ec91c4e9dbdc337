import { assert, assertEquals, assertNotStrictEquals } from "@std/assert";
import { ShortCopies } from "../../src/flow/short_copies.ts";

Deno.test("ShortCopies.of() returns a copy that later changes do not affect", () => {
  const copies = new ShortCopies();
  const bytes = new Uint8Array(new SharedArrayBuffer(5000));
  const made: { copy: Uint8Array; length: number; fill: number }[] = [];
  for (let i = 0; i < 200; i++) {
    const length = (i * 997) % 4000;
    const fill = 1 + i % 255;
    bytes.fill(0).fill(fill, 7, 7 + length);
    made.push({ copy: copies.of(bytes, 7, 7 + length), length, fill });
  }
  for (const { copy, length, fill } of made) {
    assertEquals(copy, new Uint8Array(length).fill(fill));
  }
});

Deno.test("ShortCopies.of() puts short copies into a common buffer of at most 16 KiB, and a long copy into its own", () => {
  const copies = new ShortCopies();
  const bytes = new Uint8Array(5000);
  const [first, second] = [copies.of(bytes, 0, 9), copies.of(bytes, 9, 18)];
  assertEquals(first.buffer, second.buffer);
  assert(first.buffer.byteLength <= 16 * 1024);
  const long = copies.of(bytes, 0, 5000);
  assertEquals(long.buffer.byteLength, 5000);
  assertNotStrictEquals(long.buffer, first.buffer);
});
