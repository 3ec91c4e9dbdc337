import { assert, assertEquals, assertFalse } from "@std/assert";
import { BLOCK, Blocks } from "../../src/flow/blocks.ts";

Deno.test("Blocks.take() returns each block once, and again after free()", () => {
  const blocks = new Blocks();
  const taken: number[] = [];
  for (let block = blocks.take(); block; block = blocks.take()) {
    assertEquals(block.length, BLOCK);
    taken.push(blocks.indexOf(block));
  }
  assertEquals(new Set(taken).size, blocks.buffer.byteLength / BLOCK);
  blocks.free(7);
  assertEquals(blocks.indexOf(blocks.take()!), 7);
  assertEquals(blocks.take(), undefined);
});

Deno.test("Blocks.at() returns the bytes of a place at the other end", () => {
  const sender = new Blocks();
  const receiver = new Blocks(sender.buffer);
  for (const length of [1, 1000, BLOCK]) {
    const block = sender.take()!;
    block.fill(length % 251);
    const bytes = receiver.at(sender.place(block, length));
    assertEquals(bytes.length, length);
    assert(bytes.every((byte) => byte === length % 251));
    assertEquals(receiver.indexOf(bytes), sender.indexOf(block));
    assert(receiver.holds(bytes));
  }
  assertFalse(receiver.holds(new Uint8Array(8)));
});
