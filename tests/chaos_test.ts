// A third of the jobs misbehave, on each kind of worker; all the others end well,
// and nothing is left. `deno task test:long chaos` does the same with many more.
import { assertEquals } from "@std/assert";
import { chaos, CHAOS_KINDS, type ChaosKind } from "./chaos.ts";
import { poolTest } from "./live_workers.ts";

/** They need a flag, and so a process of their own. */
const RESTRICTED: ChaosKind[] = ["sandbox"];

for (const kind of Object.keys(CHAOS_KINDS) as ChaosKind[]) {
  if (RESTRICTED.includes(kind)) continue;
  poolTest(`chaos leaves nothing behind (${kind})`, async () => {
    await chaos(kind, { seed: 1, jobs: 300 });
  });
}

Deno.test("chaos leaves nothing behind (sandbox)", async () => {
  const run = new URL("./long.ts", import.meta.url);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--unstable-worker-options", run.href],
      ...["chaos", "--only", "sandbox", "--scale", "0.015"],
    ],
    stdin: "null",
  }).output();
  assertEquals(success, true, new TextDecoder().decode(stderr));
});
