import { assert, assertEquals } from "@std/assert";
import { compact, isUnshared, movesOf, SMALL } from "../../src/flow/bytes.ts";
import {
  AHEAD,
  CREDIT_STEP,
  LEAST,
  sizeOf,
  WINDOW,
} from "../../src/flow/window.ts";

Deno.test("sizeOf() counts bytes and characters, and a minimum for every chunk", () => {
  assertEquals(sizeOf(new Uint8Array(1000)), 1000);
  assertEquals(sizeOf(new Float64Array(1000)), 8000);
  assertEquals(sizeOf(new ArrayBuffer(1000)), 1000);
  assertEquals(sizeOf("x".repeat(1000)), 1000);
  for (const chunk of ["", new Uint8Array(0), 5, null, undefined, {}]) {
    assertEquals(sizeOf(chunk), LEAST);
  }
});

Deno.test("AHEAD and CREDIT_STEP are small parts of WINDOW", () => {
  assert(AHEAD < CREDIT_STEP && 2 * CREDIT_STEP <= WINDOW);
});

Deno.test("movesOf() and compact() copy small parts of a buffer, and keep large buffers", () => {
  const part = new Uint8Array(new ArrayBuffer(1024 * 1024), 8, 16);
  assertEquals(movesOf(part), undefined);
  assertEquals(compact(part).buffer.byteLength, 16);
  const large = new Uint8Array(SMALL);
  assertEquals(movesOf(large), [large.buffer]);
  assert(compact(large) === large);
  assert(isUnshared(large));
  assert(!isUnshared(new Uint8Array(new SharedArrayBuffer(8))));
  assert(!isUnshared("bytes"));
});
