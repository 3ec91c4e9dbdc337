// A program that uses a pool exits by itself when it is done, and leaves no process.
import { assertEquals, assertMatch } from "@std/assert";
import { processesOfGroup } from "./live_processes.ts";
import { eventually, isLacking } from "./live_workers.ts";
import { type Ending, endOf, runScriptWith, startScript } from "./script.ts";

const isLinux = Deno.build.os === "linux";

/** Output of a program that uses a pool in each way, see scripts/ends.ts. */
const WAYS: Record<string, string> = {
  awaitUsing: "3\n",
  lastJobCrashes: "WorkerCrashedError\n",
  neverUsed: "done\n",
  terminated: "rejected\n".repeat(3),
  badModule: "WorkerStartError\n",
  abortedNeverEnds: "TimeoutError\n",
  poolInWorker: "42\n",
  neverAwaits: Array.from({ length: 10 }, (_, i) => `job ${i}\n`).join(""),
  killableLogs: "from a worker\n",
  burning: "left\nJobTimeoutError\nclosed\n",
};

/** Output of programs that never close their pool. */
const NEVER_CLOSED: Record<string, string> = {
  plain: "2\n",
  hardKill: "2\n",
  timeout: "2\n",
  recycled: "2\n",
  abandon: "left served\n",
  elastic: "started\n",
  elasticKillable: "started\n",
  elasticRecycled: "started\n",
  elasticUnused: "done\n",
  restAndGoOn: "slept\n",
  stream: "late\n",
  serve: "read\n",
};

const NEVER_CLOSED_PROCESSES: Record<string, string> = {
  process: "2\n",
  processWithoutPermissions: "2\n",
  processMemoryLimit: "2\n",
  processRecycled: "2\n",
  processElastic: "started\n",
  processElasticUnused: "done\n",
  processRestAndGoOn: "slept\n",
  processStream: "late\n",
  processLateStream: "late\n",
  processTimerLeft: "left\n",
};

/** Runs a program that uses a pool in this way, and checks that no process is left. */
async function runWay(way: string): Promise<Ending> {
  const program = startScript([way], "scripts/ends.ts", "-A");
  const ending = await endOf(program);
  if (!isLinux) return ending;
  let left: string[] = [];
  await eventually(async () => {
    left = await processesOfGroup(program.pid);
    return left.length === 0;
  }, () => `Expected no process to be left, found ${left.join(", ")}`);
  return ending;
}

/** Runs programs, two at a time. */
function runAll(ways: string[]): Promise<PromiseSettledResult<Ending>[]> {
  const endings: Promise<Ending>[] = [];
  for (const [i, way] of ways.entries()) {
    const before = Promise.allSettled([endings[i - 2]]);
    endings.push(before.then(() => runWay(way)));
  }
  return Promise.allSettled(endings);
}

for (
  const [what, ways] of Object.entries({
    "a program exits when it is done with its pool": WAYS,
    "a pool that is never closed keeps its program alive only for its jobs":
      NEVER_CLOSED,
    "a pool of processes that is never closed keeps its program alive only for its jobs":
      NEVER_CLOSED_PROCESSES,
  })
) {
  Deno.test(what, async (test) => {
    const endings = await runAll(Object.keys(ways));
    for (const [i, [way, expected]] of Object.entries(ways).entries()) {
      if (isLacking(way)) continue;
      await test.step(way, () => {
        const ending = endings[i];
        if (ending.status === "rejected") throw ending.reason;
        const { code, stdout, stderr } = ending.value;
        assertEquals([code, stdout, stderr], [0, expected, ""]);
      });
    }
  });
}

Deno.test({
  name:
    "an unhandled error of a job ends the program, and is printed with its stack",
  ignore: isLacking("an error that nobody handles"),
  fn: async () => {
    const { code, stderr } = await runWay("unhandled");
    assertEquals(code, 1);
    assertMatch(stderr, /RangeError: nobody looks\n +at /);
  },
});

Deno.test("inline jobs need no permission except to read the package", async () => {
  const flags = ["--no-prompt", "--allow-read"];
  const { code, stdout, stderr } = await runScriptWith(
    ["plain"],
    "scripts/ends.ts",
    ...flags,
  );
  assertEquals([code, stdout, stderr], [0, "2\n", ""]);
});
