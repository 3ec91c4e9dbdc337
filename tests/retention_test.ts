// Objects that a job leaves on main are garbage that a minor collection can free.
// Objects that survive a minor collection cost several times as much.
import { assert, assertEquals } from "@std/assert";
import { runScript } from "./script.ts";

/** Maximum share of a job's allocations that survives; it was 0.2 to 0.27 once. */
const MOST = 0.12;

/** Returns the heap size in MB before and after each collection of one heap. */
function collections(
  trace: string,
  heap: string,
): { before: number; after: number }[] {
  const line = new RegExp(
    `${heap}\\].* ms: .*?([\\d.]+) \\([\\d.]+\\) -> ([\\d.]+) \\([\\d.]+\\) MB`,
    "g",
  );
  return Array.from(trace.matchAll(line), ([, before, after]) => {
    return { before: Number(before), after: Number(after) };
  });
}

Deno.test("objects that jobs leave on main do not survive minor collections", async () => {
  const { code, stdout, stderr } = await runScript(
    "scripts/retention.ts",
    "-A",
    "--v8-flags=--trace-gc",
  );
  assertEquals([code, stderr], [0, ""]);
  // Main's heap is collected first.
  const heap = /\d:(0x\w+)\]/.exec(stdout)![1];
  for (const name of ["connection", "progress", "stream", "body"]) {
    const begin = stdout.indexOf(`begin ${name}`);
    const all = collections(
      stdout.slice(begin, stdout.indexOf(`end ${name}`, begin)),
      heap,
    );
    assert(all.length > 5, `${name}: ${all.length} collections`);
    let [allocated, survived] = [0, 0];
    for (const [i, { before, after }] of all.entries()) {
      if (i === 0) continue;
      allocated += before - all[i - 1].after;
      survived += Math.max(0, after - all[i - 1].after);
    }
    assert(survived <= MOST * allocated, name);
  }
});
