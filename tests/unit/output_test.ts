// Tests Output: how much of a process's output is held back, and how much is kept.
import { assert, assertEquals } from "@std/assert";
import { Output } from "../../src/process/output.ts";

/** Counts the bytes printed until it is disposed. */
function watchPrinted() {
  const { writeSync } = Deno.stderr;
  const printed = { bytes: 0 };
  Deno.stderr.writeSync = (bytes) => {
    printed.bytes += bytes.length;
    return bytes.length;
  };
  return Object.assign(printed, {
    [Symbol.dispose]: () => void (Deno.stderr.writeSync = writeSync),
  });
}

const KIB = new TextEncoder().encode("x".repeat(1024));

Deno.test("Output holds back at most 64 KiB, until release()", () => {
  using printed = watchPrinted();
  const output = new Output();
  for (let i = 0; i < 64; i++) output.print(KIB);
  assertEquals(printed.bytes, 0);
  output.print(KIB);
  assertEquals(printed.bytes, 65 * 1024);
  output.print(KIB);
  assertEquals(printed.bytes, 66 * 1024);
  const other = new Output();
  other.print(KIB);
  other.release();
  assertEquals(printed.bytes, 67 * 1024);
});

Deno.test("Output.lastText is the last 16 KiB", () => {
  using _ = watchPrinted();
  const output = new Output();
  for (let i = 0; i < 100; i++) output.print(KIB);
  output.print(new TextEncoder().encode("the end"));
  assertEquals(output.lastText.length, 16 * 1024);
  assert(output.lastText.endsWith("xthe end"));
});

Deno.test("Output.lastText has a character that came in two parts", () => {
  using _ = watchPrinted();
  const output = new Output();
  const bytes = new TextEncoder().encode("£");
  output.print(bytes.subarray(0, 1));
  output.print(bytes.subarray(1));
  assertEquals(output.lastText, "£");
});
