// Tests of guests in processes that try to harm the program: each fails as it should,
// the program and the jobs alongside continue, and nothing of them is left.
import { assertEquals, assertLess, assertMatch } from "@std/assert";
import type * as guests from "./fixtures/guests.ts";
import { runScriptWith } from "./script.ts";
import { isLacking } from "./live_workers.ts";

/** Maximum time in ms that a guest takes alongside others, with its process's start. */
const LONGEST = 20_000;

const MEMORY = /^MemoryLimitError: /;
const TIME = /^JobTimeoutError: /;
const CRASH = /^WorkerCrashedError: /;
const FORGERY = /^WorkerCrashedError: .*cannot be (taken|read)/;
const CLONE = /^JobCloneError: /;
const DENIED = /^NotCapable: Requires /;
const DONE = /^(number|undefined)$/;
/** Memory that the garbage collector scans fills slowly, so time may run out first. */
const MEMORY_OR_TIME = either(MEMORY, TIME);
const DONE_OR_TIME = either(DONE, TIME);

/** Outcome of each guest. */
const OUTCOMES: Record<keyof typeof guests, RegExp> = {
  fine: DONE,
  hugeString: MEMORY_OR_TIME,
  hugeJoin: MEMORY_OR_TIME,
  hugeBuffer: MEMORY_OR_TIME,
  manyBuffers: MEMORY_OR_TIME,
  manyObjects: MEMORY_OR_TIME,
  manyPromises: MEMORY_OR_TIME,
  hugeWasm: MEMORY_OR_TIME,
  hugeText: either(MEMORY_OR_TIME, CLONE),
  hugeBytes: either(MEMORY_OR_TIME, CLONE),
  // The list is long, but holds nothing.
  hugeList: /^object$/,
  hugeError: MEMORY_OR_TIME,
  loopBuiltins: TIME,
  loopIndexOf: TIME,
  loopBigInt: TIME,
  loopRegExp: TIME,
  loopAfterAwait: TIME,
  loopInTimer: TIME,
  loopMicrotasks: TIME,
  loopTicks: TIME,
  loopInWorker: TIME,
  loopInWorkers: MEMORY_OR_TIME,
  loopInWasm: TIME,
  waitForever: TIME,
  neverEnd: TIME,
  loopInThen: TIME,
  loopInGetter: TIME,
  loopAtExit: TIME,
  exitDeno: CRASH,
  abortProcess: CRASH,
  closeSelf: CRASH,
  rejectLater: CRASH,
  closeInput: CRASH,
  closeOutput: CRASH,
  killParent: DENIED,
  killParentByNode: DENIED,
  stackBomb: /^RangeError: /,
  sendGarbage: /^TypeError: /,
  printMuch: DONE_OR_TIME,
  printGarbage: DONE_OR_TIME,
  postMuch: DONE_OR_TIME,
  deepResult: either(CLONE, TIME),
  deepMap: either(CLONE, TIME),
  deepError: either(MEMORY_OR_TIME, CRASH),
  damagePrototypes: DONE,
  answerOthers: FORGERY,
  readyTwice: FORGERY,
  frameGarbage: FORGERY,
  frameDeep: FORGERY,
  frameUnknown: FORGERY,
  frameLong: either(FORGERY, TIME),
  frameObjects: either(FORGERY, TIME),
  frameMaps: either(FORGERY, TIME),
  frameError: FORGERY,
  slowStack: /^(Error: slow|JobTimeoutError)/,
  floodGrown: FORGERY,
  floodCredit: FORGERY,
  floodChannels: FORGERY,
  readFile: DENIED,
  readByNode: DENIED,
  readProc: DENIED,
  readMemory: DENIED,
  readEnv: DENIED,
  connect: DENIED,
  fetchUrl: DENIED,
  startProcess: DENIED,
  importUrl: /^TypeError: .*--cached-only is specified/,
  importFile: /^TypeError: Requires read access/,
};

function either(...outcomes: RegExp[]): RegExp {
  return new RegExp(outcomes.map(({ source }) => source).join("|"));
}

/** Returns a timeout; guests that end by themselves have all the time that they need. */
function timeoutOf({ source }: RegExp): number {
  if (!source.includes("JobTimeout")) return LONGEST;
  return source === TIME.source ? 200 : 500;
}

Deno.test({
  name: "guests in processes fail as they should, and leave nothing behind",
  ignore: Deno.build.os !== "linux",
  fn: async (test) => {
    const file = await Deno.makeTempFile();
    const timeouts = Object.entries(OUTCOMES)
      .map(([name, outcome]) => [name, timeoutOf(outcome)]);
    const args = [file, "3", JSON.stringify(timeouts)];
    const { code } = await runScriptWith(args, "scripts/guests.ts", "-A");
    assertEquals(code, 0);
    const { results, left } = JSON.parse(await Deno.readTextFile(file));
    await Deno.remove(file);
    for (const [name, expected] of Object.entries(OUTCOMES)) {
      if (isLacking(name)) continue;
      await test.step(name, () => {
        const { outcome, ms } = results[name];
        assertMatch(outcome, expected);
        assertLess(ms, LONGEST);
      });
    }
    assertEquals(left, {
      processes: [],
      threads: [],
      descriptors: false,
      isBusy: false,
    });
  },
});
