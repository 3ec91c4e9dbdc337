// The sandbox, in threads and in processes: jobs get the permissions that the option
// grants, and no more.
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import {
  ThreadPool,
  type ThreadPoolOptions,
  WorkerStartError,
} from "@spindle/thread-pool";
import type { Attempt } from "./fixtures/sandbox.ts";
import { poolTest } from "./live_workers.ts";
import { runScript, runScriptWith } from "./script.ts";

type Permissions = ThreadPoolOptions["permissions"];

/** Without this flag, Deno has no sandbox in a thread. */
const FLAG = "--unstable-worker-options";

const DENIED =
  /^\w+: .*(Requires |requires |Can't escalate|--cached-only is specified|not found in cache|is not defined)/s;

/** An attempt for each kind of permission. */
const OF_KIND = {
  read: "readOthers",
  write: "writeOthers",
  net: "listen",
  env: "readPath",
  run: "runDeno",
  ffi: "openLibrary",
  import: "importHost",
  sys: "hostname",
} as const;

type KindName = keyof typeof OF_KIND;
const KIND_NAMES = Object.keys(OF_KIND) as KindName[];
const OF_ANY: Attempt[] = Object.values(OF_KIND);

/** Further attempts of a job without any permission. */
const ESCALATIONS: Attempt[] = [
  "linkOthers",
  "importOthers",
  "readByNode",
  "readPathByNode",
  "runByNode",
  "request",
  "startWorker",
  "startWorkerThatInherits",
  "startWorkerWithMore",
  "startNodeWorker",
];

/** Further attempts in a process. */
const OF_GUESTS: Attempt[] = [
  "readOwn",
  "readOfProgram",
  "writeOwn",
  "symlinkOthers",
  "moveOthers",
  "importData",
  "importBlob",
  "importPackage",
  "connectByName",
  "readAllEnv",
  "setOther",
  "killProgram",
  "store",
  "cache",
];

interface Sandbox {
  permissions?: Permissions;
  done: Attempt[];
  denied: Attempt[];
}

/** Sandboxes for each kind of worker. */
const SANDBOXES: Record<string, Sandbox> = {
  "none": {
    permissions: "none",
    done: [],
    denied: [...OF_ANY, ...ESCALATIONS],
  },
  "an empty object": { permissions: {}, done: [], denied: OF_ANY },
  "inherit": { permissions: "inherit", done: OF_ANY, denied: [] },
  "no option": { done: OF_ANY, denied: [] },
  "a list for env": {
    permissions: { env: ["PATH"] },
    done: ["readPath"],
    denied: ["readHome", "readAllEnv", "setOther", "readOthers", "request"],
  },
};
for (const kind of KIND_NAMES) {
  SANDBOXES[`only ${kind}`] = {
    permissions: { [kind]: true },
    done: [OF_KIND[kind]],
    denied: OF_ANY.filter((attempt) => attempt !== OF_KIND[kind]),
  };
}

/** Sandboxes for processes; "DIR" is the directory, and "file:" starts a URL. */
const GUEST_SANDBOXES: Record<string, Sandbox> = {
  "none, in more ways": { permissions: "none", done: [], denied: OF_GUESTS },
  "all but run": {
    permissions: {
      read: true,
      write: true,
      net: true,
      env: true,
      ffi: false,
      sys: true,
    },
    done: ["readOthers", "writeOwn", "listenOther", "readAllEnv", "osRelease"],
    denied: ["runDeno", "killProgram", "openLibrary", "importHost", "request"],
  },
  "a list for read": {
    permissions: { read: ["DIR/open"] },
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
    permissions: { read: ["DIR/open"], write: ["file://DIR/open"] },
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
    permissions: { net: ["127.0.0.1"] },
    done: ["listen"],
    denied: ["listenOther", "connectByName", "importHost", "request"],
  },
  "a list for run": {
    permissions: { run: ["echo"] },
    done: ["runEcho"],
    denied: ["runDeno", "runAsEcho", "killProgram", "readPath", "request"],
  },
  "a list for ffi": {
    permissions: { ffi: ["DIR/open"] },
    done: [],
    denied: ["openLibrary", "readOwn", "request"],
  },
  "a list for sys": {
    permissions: { sys: ["hostname"] },
    done: ["hostname"],
    denied: ["osRelease", "request"],
  },
  "a list for import": {
    permissions: { import: ["example.org"] },
    done: [],
    denied: ["importHost", "importOthers", "importData", "listen", "request"],
  },
};

for (
  const [isolation, sandboxes] of Object.entries({
    thread: SANDBOXES,
    process: { ...SANDBOXES, ...GUEST_SANDBOXES },
  })
) {
  const isLinux = Deno.build.os === "linux";
  const ignore = isolation === "process" && !isLinux;
  const name = `permissions: jobs get what is granted, no more (${isolation})`;
  Deno.test({ name, ignore }, async (test) => {
    const directory = await Deno.makeTempDir();
    await Deno.mkdir(`${directory}/open`);
    for (const name of ["secret.ts", "open/own.ts"]) {
      await Deno.writeTextFile(`${directory}/${name}`, "export {};");
    }
    const given = Object.values(sandboxes).map(
      ({ permissions, done, denied }) => [
        // Without the flag, a worker with its own permissions ends the process.
        {
          isolation,
          permissions,
          execArgv: isolation === "process" ? [FLAG] : undefined,
        },
        [...done, ...denied],
      ],
    );
    const { code, stdout, stderr } = await runScriptWith(
      [JSON.stringify(given).replaceAll("DIR", directory), directory],
      "scripts/sandbox.ts",
      "-A",
      "--no-prompt",
      FLAG,
    );
    assertEquals(code, 0, stderr);
    const answers: string[][] = JSON.parse(stdout);
    for (const [i, [what, sandbox]] of Object.entries(sandboxes).entries()) {
      await test.step(what, () => {
        for (const [k, name] of sandbox.done.entries()) {
          // No server listens there.
          if (name === "importHost") assert(!DENIED.test(answers[i][k]));
          else assertEquals(answers[i][k], "done", name);
        }
        for (const [k, name] of sandbox.denied.entries()) {
          assertMatch(answers[i][sandbox.done.length + k], DENIED, name);
        }
      });
    }
    await Deno.remove(directory, { recursive: true });
  });
}

/** Lists that a flag cannot express. */
const UNSAYABLE: Permissions[] = [
  { read: ["/tmp/a,/etc"] },
  { read: [""] },
  { env: ["PATH,HOME"] },
  { net: ["127.0.0.1,0.0.0.0"] },
  { import: [""] },
];

poolTest("permissions: a list that flags cannot express rejects", async () => {
  for (const permissions of UNSAYABLE) {
    await using pool = new ThreadPool({
      size: 1,
      isolation: "process",
      permissions,
    });
    const job = () => pool.execute(() => 1);
    const says = "expected no comma and no empty text";
    await assertRejects(job, WorkerStartError, says);
  }
});

Deno.test("a program and its processes do not see each other's localStorage", async () => {
  const { code, stdout } = await runScript("scripts/guest_storage.ts", "-A");
  assertEquals([code, stdout], [0, "null\nundefined\nof the program\n"]);
});

/** Result of a job in a pool with these options, in a program with these flags. */
const PROGRAMS: [
  what: string,
  options: ThreadPoolOptions,
  flags: string[],
  code: number,
  stdout: RegExp,
][] = [
  [
    "permissions that the program lacks are refused in a thread",
    { permissions: { net: true } },
    ["--allow-read", FLAG],
    0,
    /^WorkerStartError: .*cause NotCapable\n$/s,
  ],
  [
    "permissions that the program lacks are refused in a process",
    { isolation: "process", permissions: { net: ["127.0.0.1"] } },
    ["--allow-read", `--allow-run=${Deno.execPath()}`],
    0,
    /^WorkerStartError: .*Permission `net` cannot be given: the program itself has not got "127\.0\.0\.1"/s,
  ],
  [
    "a process needs no flag, with a memoryLimit",
    { isolation: "process", permissions: "none", memoryLimit: 64 },
    ["-A"],
    0,
    /^ran\n$/,
  ],
  [
    "a process needs no flag, with hardKill",
    { isolation: "process", permissions: "none", hardKill: true },
    ["-A"],
    0,
    /^ran\n$/,
  ],
  [
    "without the flag, Deno ends the program of a thread, as documented",
    { permissions: "none" },
    ["-A"],
    70,
    /^$/,
  ],
  [
    '"inherit" needs no flag',
    { permissions: "inherit" },
    ["-A"],
    0,
    /^ran\n$/,
  ],
];

for (const [what, options, flags, expectedCode, expected] of PROGRAMS) {
  Deno.test(`permissions: ${what}`, async () => {
    const args = [JSON.stringify(options)];
    const { code, stdout } = await runScriptWith(
      args,
      "scripts/restricted.ts",
      "--no-prompt",
      ...flags,
    );
    assertEquals(code, expectedCode);
    assertMatch(stdout, expected);
  });
}

/** Flags of a program, permissions for its processes, and the result. */
const GIVEN: [flags: string[], wanted: Permissions, result: RegExp][] = [
  [["--allow-net"], { net: ["127.0.0.1"] }, /--allow-net=127.0.0.1/],
  [
    ["--allow-net", "--deny-net=127.0.0.1:9"],
    { net: ["127.0.0.1"] },
    /refused: .*expected a host with its port, got "127.0.0.1"/,
  ],
  [
    ["--allow-net", "--deny-net=127.0.0.1"],
    { net: ["127.0.0.0/8"] },
    /refused: .*got "127.0.0.0\/8"/,
  ],
  [
    ["--allow-net", "--deny-net=127.0.0.1:9"],
    { net: ["127.0.0.1:8"] },
    /--allow-net=127.0.0.1:8/,
  ],
  [
    ["--allow-net=127.0.0.1", "--deny-net=127.0.0.1:9"],
    { net: ["127.0.0.1"] },
    /refused: .*expected a host with its port, got "127.0.0.1"/,
  ],
  [["--allow-net=127.0.0.1"], { net: ["127.0.0.1"] }, /--allow-net=127.0.0.1/],
  [
    ["--allow-import", "--deny-import=127.0.0.1:9"],
    { import: ["127.0.0.1"] },
    /refused: .*expected a host with its port, got "127.0.0.1"/,
  ],
  [
    ["--allow-net=*.b.c"],
    { net: ["*.b.c"] },
    /refused: .*has not got "\*.b.c"/,
  ],
  [[], "inherit", /--allow-import=.*jsr.io:443/],
  [["--allow-import=example.com"], "inherit", /^(?!.*import).*--cached-only/],
];

Deno.test("permissions: a process gets exactly what its program has, or is refused", async () => {
  for (const [flags, wanted, result] of GIVEN) {
    const { stdout, stderr } = await runScriptWith(
      [JSON.stringify(wanted)],
      "scripts/grants.ts",
      "--no-prompt",
      ...flags,
    );
    assertMatch(stdout, result, stderr);
  }
});

poolTest(
  "permissions: processes that start later lack permissions that the program has revoked",
  async () => {
    const { stdout, stderr } = await runScript(
      "scripts/gives_up.ts",
      "-A",
      "--no-prompt",
    );
    assertEquals([stdout, stderr], ["granted, then prompt\n", ""]);
  },
);
