// What guests in processes may do, and that they get no more from inside.
import {
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  ThreadPool,
  type ThreadPoolOptions,
  WorkerStartError,
} from "@spindle/thread-pool";
import type * as escalations from "./fixtures/escalations.ts";
import type { Attempt, Tools } from "./fixtures/escalations.ts";
import { poolTest } from "./live_workers.ts";
import { runScript } from "./script.ts";

type Permissions = NonNullable<ThreadPoolOptions["permissions"]>;

const DENIED =
  /^\w+: .*(Requires |requires |--cached-only is specified|not found in cache|is not defined)/s;

/** What a guest without any permission tries. */
const ALL: Attempt[] = [
  "readOwn",
  "readOfProgram",
  "writeOwn",
  "symlinkOthers",
  "linkOthers",
  "moveOthers",
  "importOthers",
  "importData",
  "importBlob",
  "importHost",
  "importPackage",
  "listen",
  "connectByName",
  "readPath",
  "readAllEnv",
  "setOther",
  "runDeno",
  "killProgram",
  "openLibrary",
  "hostname",
  "request",
  "store",
  "cache",
];

/** By permissions in a directory: what is done, and what else is denied. */
const CASES: Record<string, {
  permissions: (directory: string) => Permissions;
  done: Attempt[];
  denied: Attempt[];
}> = {
  none: { permissions: () => "none", done: [], denied: ALL },
  "all but run": {
    permissions: () => ({
      read: true,
      write: true,
      net: true,
      env: true,
      ffi: false,
      sys: true,
    }),
    done: ["readOthers", "writeOwn", "listenOther", "readAllEnv", "osRelease"],
    denied: ["runDeno", "killProgram", "openLibrary", "importHost", "request"],
  },
  "a list for read": {
    permissions: (directory) => ({ read: [`${directory}/open`] }),
    done: ["readOwn", "importOwn"],
    denied: [
      "readOthers",
      "readAbove",
      "readOfProgram",
      "writeOwn",
      "importOthers",
      "importData",
      "importBlob",
      "request",
    ],
  },
  "lists for read and write": {
    permissions: (directory) => ({
      read: [`${directory}/open`],
      write: [new URL(`file://${directory}/open`)],
    }),
    done: ["readOwn", "writeOwn"],
    denied: [
      "readOthers",
      "writeOthers",
      "symlinkOthers",
      "linkOthers",
      "moveOthers",
      "request",
      "store",
      "cache",
    ],
  },
  "a list for net": {
    permissions: () => ({ net: ["127.0.0.1"] }),
    done: ["listen"],
    denied: ["listenOther", "connectByName", "importHost", "request"],
  },
  "a list for env": {
    permissions: () => ({ env: ["PATH"] }),
    done: ["readPath"],
    denied: ["readHome", "readAllEnv", "setOther", "request"],
  },
  "a list for run": {
    permissions: () => ({ run: ["echo"] }),
    done: ["runEcho"],
    denied: ["runDeno", "runAsEcho", "killProgram", "readPath", "request"],
  },
  "a list for ffi": {
    permissions: (directory) => ({ ffi: [`${directory}/open`] }),
    done: [],
    denied: ["openLibrary", "readOwn", "request"],
  },
  "a list for sys": {
    permissions: () => ({ sys: ["hostname"] }),
    done: ["hostname"],
    denied: ["osRelease", "request"],
  },
  "a list for import": {
    permissions: () => ({ import: ["example.org"] }),
    done: [],
    denied: ["importHost", "importOthers", "importData", "listen", "request"],
  },
};

for (const [what, { permissions, done, denied }] of Object.entries(CASES)) {
  poolTest(
    { name: `guests get no more than ${what}`, ignore: !isLinux() },
    async () => {
      const directory = await makeDirectory();
      await using pool = makePool({ permissions: permissions(directory) });
      const tools: Tools = { directory, deno: Deno.execPath() };
      for (const name of done) {
        assertEquals(
          await pool.execute("attempt", [name, tools]),
          "done",
          name,
        );
      }
      for (const name of denied) {
        const answer = await pool.execute("attempt", [name, tools]);
        assertMatch(answer, DENIED, `${name}: ${answer}`);
      }
      await Deno.remove(directory, { recursive: true });
    },
  );
}

const LISTS: Permissions[] = [
  { read: ["/tmp/a,/etc"] },
  { read: [""] },
  { env: ["PATH,HOME"] },
  { net: ["127.0.0.1,0.0.0.0"] },
  { import: [""] },
];

for (const permissions of LISTS) {
  poolTest(
    `a list that a flag cannot say is refused (${JSON.stringify(permissions)})`,
    async () => {
      await using pool = makePool({ permissions });
      const error = await assertRejects(
        () => pool.execute(() => 1),
        WorkerStartError,
      );
      assertStringIncludes(
        error.message,
        "expected no comma and no empty text",
      );
    },
  );
}

Deno.test("what a program and guests store, others do not see", async () => {
  const { code, stdout } = await runScript("scripts/guest_storage.ts", "-A");
  assertEquals({ code, stdout }, {
    code: 0,
    stdout: "null\nundefined\nof the program\n",
  });
});

function makePool(options: ThreadPoolOptions): ThreadPool<typeof escalations> {
  return new ThreadPool<typeof escalations>({
    module: new URL("./fixtures/escalations.ts", import.meta.url),
    size: 1,
    isolation: "process",
    ...options,
  });
}

function isLinux(): boolean {
  return Deno.build.os === "linux";
}

async function makeDirectory(): Promise<string> {
  const directory = await Deno.makeTempDir();
  await Deno.mkdir(`${directory}/open`);
  for (const name of ["secret.ts", "open/own.ts"]) {
    await Deno.writeTextFile(`${directory}/${name}`, "export {};");
  }
  return directory;
}
