// Jobs in processes: the same API and the same errors as in threads.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import {
  JobCloneError,
  JobNotFoundError,
  JobTimeoutError,
  PoolTerminatedError,
  ThreadPool,
  type ThreadPoolOptions,
  transfer,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/processes.ts";
import { liveProcesses } from "./live_processes.ts";
import { poolTest } from "./live_workers.ts";
import { tcpPair } from "./sockets.ts";

function makePool(options: ThreadPoolOptions = {}): ThreadPool<typeof jobs> {
  const module = new URL("./fixtures/processes.ts", import.meta.url);
  return new ThreadPool<typeof jobs>({
    module,
    size: 1,
    isolation: "process",
    ...options,
  });
}

/** Resolves when the pool has started a job. */
function jobStart(pool: ThreadPool<typeof jobs>): Promise<unknown> {
  return new Promise((resolve) => {
    pool.addEventListener("jobstart", resolve, { once: true });
  });
}

poolTest("a process runs named and inline jobs", async () => {
  await using pool = makePool();
  assertEquals(await pool.execute("echo", ["x"]), "x");
  assertEquals(await pool.execute((a: number, b: number) => a + b, [1, 2]), 3);
  assertNotEquals(await pool.execute("pid"), Deno.pid);
});

const VALUES: Record<string, unknown> = {
  undefined: undefined,
  "a big integer": 12n,
  NaN: NaN,
  "minus zero": -0,
  "a long text": "äx".repeat(100_000),
  "plain data": { a: [1, { b: "c" }], d: null },
  "a Map and a Set": new Map<unknown, unknown>([[1, new Set(["a"])]]),
  "a Date": new Date(0),
  "a RegExp": /x+/gi,
  "a large buffer": new Uint8Array(300_000).fill(3),
  "a view of a part": new Uint8Array([1, 2, 3, 4]).subarray(1, 3),
  "undefined in an array": [undefined, 1],
};

for (const [what, value] of Object.entries(VALUES)) {
  poolTest(`${what} goes to a process and comes back`, async () => {
    await using pool = makePool();
    assertEquals(await pool.execute("echo", [value]), value);
  });
}

poolTest("two views of one buffer still share it in a process", async () => {
  await using pool = makePool();
  const buffer = new ArrayBuffer(100_000);
  const pair = [new Uint8Array(buffer, 0, 20), new Uint8Array(buffer, 10)];
  const [a, b] = await pool.execute("echo", [pair]) as Uint8Array[];
  assert(a.buffer === b.buffer);
});

for (const length of [100, 1_000_000]) {
  poolTest(
    `transfer() hands ${length} bytes over to a process, and back`,
    async () => {
      await using pool = makePool();
      const sent = new Uint8Array(length).fill(1);
      assertEquals(await pool.execute("sum", [transfer(sent)]), length);
      assertEquals(sent.length, 0);
      assertEquals((await pool.execute("bytes", [length])).length, length);
    },
  );
}

const REFUSED: [what: string, make: () => unknown][] = [
  ["SharedArrayBuffer", () => new SharedArrayBuffer(8)],
  ["Int32Array", () => new Int32Array(new SharedArrayBuffer(8))],
  ["MessagePort", () => {
    const { port1, port2 } = new MessageChannel();
    port1.close();
    port2.close();
    return transfer(port1);
  }],
  ["WebAssembly.Module", () =>
    new WebAssembly.Module(
      new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]),
    )],
];

for (const [what, make] of REFUSED) {
  poolTest(
    `execute() refuses a ${what} for a process by name, at the call`,
    async () => {
      await using pool = makePool();
      const error = await assertRejects(
        () => pool.execute("echo", [{ a: [make()] }]),
        JobCloneError,
      );
      assertStringIncludes(error.message, `args[0].a[0] (${what})`);
      assertEquals(pool.stats().size, 0);
    },
  );
}

poolTest(
  "execute() refuses a connection for a process, which stays the caller's",
  async () => {
    await using pool = makePool();
    const { client, server } = await tcpPair();
    using _client = client;
    using _server = server;
    const error = await assertRejects(
      () => pool.execute("echo", [server]),
      JobCloneError,
    );
    assertStringIncludes(error.message, "is a connection");
    await server.write(new Uint8Array([1]));
    assertEquals(await client.read(new Uint8Array(1)), 1);
  },
);

poolTest(
  "a result that cannot leave its process rejects its job alone",
  async () => {
    await using pool = makePool();
    const error = await assertRejects(
      () => pool.execute(() => new SharedArrayBuffer(8)),
      JobCloneError,
    );
    assertStringIncludes(error.message, "shared memory");
    assertEquals(await pool.execute("echo", [1]), 1);
    assertEquals(pool.stats().crashed, 0);
  },
);

poolTest(
  "an error of a process keeps its class, cause and properties",
  async () => {
    await using pool = makePool();
    const error = await assertRejects(() => pool.execute("fail"), RangeError);
    assertInstanceOf(error.cause, TypeError);
    assertEquals((error as RangeError & { code: string }).code, "E_OUT");
    assertStringIncludes(error.stack!, "processes.ts");
  },
);

poolTest(
  "a function that the module lacks is JobNotFoundError in a process",
  async () => {
    await using pool = makePool();
    await assertRejects(
      // deno-lint-ignore no-explicit-any
      () => pool.execute("missing" as any),
      JobNotFoundError,
    );
  },
);

poolTest(
  "streams go to a process and come back, with flow control",
  async () => {
    await using pool = makePool();
    const length = 5_000_000;
    const stream = await pool.execute("stream", [length]);
    assertEquals(await pool.execute("read", [stream]), length);
  },
);

poolTest("a Request goes to a process, and a Response comes back", async () => {
  await using pool = makePool();
  const request = new Request("http://a.test/", {
    method: "POST",
    body: "b".repeat(200_000),
  });
  const response = await pool.execute("respond", [request]);
  assertEquals([response.status, response.headers.get("x-of")], [
    201,
    "process",
  ]);
  assertEquals((await response.text()).length, 200_000 + "POST ".length);
});

poolTest(
  "a loop in a process is stopped in time, and the process lives on",
  async () => {
    await using pool = makePool({ abortGrace: 10_000 });
    const pid = await pool.execute("pid");
    await assertRejects(
      () => pool.execute("loop", [], { timeout: 50 }),
      JobTimeoutError,
    );
    assertEquals(await pool.execute("pid"), pid);
  },
);

poolTest(
  "a process that burns after an await is killed, and none is lost",
  async () => {
    await using pool = makePool({ abortGrace: 20 });
    const pid = await pool.execute("pid");
    await assertRejects(
      () => pool.execute("loopAfterAwait", [], { timeout: 50 }),
      JobTimeoutError,
    );
    assertNotEquals(await pool.execute("pid"), pid);
    assertEquals(pool.stats().lost, 0);
  },
);

poolTest("an abort reaches a job in a process with its reason", async () => {
  await using pool = makePool({ abortGrace: 10_000 });
  const pid = await pool.execute("pid");
  const controller = new AbortController();
  const started = jobStart(pool);
  const result = pool.execute("untilTold", [], controller);
  await started;
  controller.abort(new RangeError("enough"));
  await assertRejects(() => result, RangeError, "enough");
  assertEquals(await pool.execute("pid"), pid);
});

poolTest("a job that ignores its abort costs its process", async () => {
  await using pool = makePool({ abortGrace: 10 });
  const pid = await pool.execute("pid");
  const controller = new AbortController();
  const started = jobStart(pool);
  const result = pool.execute("never", [], controller);
  const next = pool.execute("pid");
  await started;
  controller.abort();
  await assertRejects(() => result, DOMException);
  assertNotEquals(await next, pid);
});

poolTest("a process may have several jobs in progress", async () => {
  await using pool = makePool({ concurrency: 3 });
  const counts = await Promise.all(
    [1, 2, 3, 4].map(() => pool.execute("company", [50])),
  );
  assertEquals(Math.max(...counts), 3);
});

poolTest("a process is replaced after so many jobs", async () => {
  await using pool = makePool({ maxJobsPerWorker: 2 });
  const counts = [];
  for (let i = 0; i < 5; i++) counts.push(await pool.execute("count"));
  assertEquals(counts, [1, 2, 1, 2, 1]);
});

poolTest("a process that exits rejects its job, and is replaced", async () => {
  await using pool = makePool();
  const error = await assertRejects(
    () => pool.execute("exit", [3]),
    WorkerCrashedError,
  );
  assert(error.started);
  assertStringIncludes(error.message, "code 3");
  assertEquals(await pool.execute("echo", [1]), 1);
});

poolTest(
  "jobs behind one that kills its process run all the same, once",
  async () => {
    await using pool = makePool();
    const crash = pool.execute("exit", [1]);
    const others = [1, 2, 3].map((i) => pool.execute("echo", [i]));
    await assertRejects(() => crash, WorkerCrashedError);
    assertEquals(await Promise.all(others), [1, 2, 3]);
  },
);

poolTest(
  "terminate() ends processes whatever they do, and resolves when they are gone",
  async () => {
    const pool = makePool({ size: 2 });
    const running = [
      pool.execute("loop"),
      pool.execute("loopAfterAwait"),
      pool.execute("never"),
    ];
    await new Promise((resolve) =>
      pool.addEventListener("workerstart", resolve, { once: true })
    );
    const ended = Promise.allSettled(running);
    await pool.terminate("enough");
    for (const result of await ended) {
      assertInstanceOf(
        (result as PromiseRejectedResult).reason,
        PoolTerminatedError,
      );
    }
    assertEquals(await liveProcesses(), []);
  },
);

poolTest("close() ends all processes of a pool", async () => {
  const pool = makePool({ size: 2 });
  const done = [1, 2, 3].map((i) => pool.execute("echo", [i]));
  await pool.close();
  assertEquals(await Promise.all(done), [1, 2, 3]);
  assertEquals(await liveProcesses(), []);
});

poolTest("a process may send as many tiny chunks as are read", async () => {
  await using pool = makePool({ permissions: "none", memoryLimit: 64 });
  let count = 0;
  for await (const _ of await pool.execute("tiny", [50_000])) count++;
  assertEquals(count, 50_000);
});
