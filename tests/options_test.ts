// What the options of a pool and of a call may be, and what is refused.
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { ThreadPool, type ThreadPoolOptions } from "@spindle/thread-pool";
import { liveWorkers, poolTest } from "./live_workers.ts";
import { executeUntyped, poolUntyped } from "./untyped.ts";

/** An option's wrong value, and what the message is to say of it. */
type Wrong = [value: unknown, ...said: string[]];

const WRONG_TYPES: Record<string, Wrong[]> = {
  size: [["4", "number", '"4"'], [null, "null"], [true, "true"], [[]], [4n]],
  module: [[42, "URL", "42"], [null, "null"], [{}], [true]],
  concurrency: [["4", "number", '"4"'], [null, "null"], [true], [[]], [4n]],
  isolation: [[1, '"thread" or "process"', "1"], [null, "null"], [{}]],
  execArgv: [["--a", "array", '"--a"'], [{}], [null, "null"], [["a"]], [[1]]],
  queue: [[8, "object", "8"], [null, "null"], ["wait"], [[]], [() => {}]],
  connections: [[1, '"bytes" or "descriptor"', "1"], [null, "null"], [{}]],
  callerStack: [[1, "boolean", "1"], ["true"], [null, "null"], [{}]],
  name: [[1, "string", "1"], [null, "null"], [{}], [Symbol("s")]],
  signal: [[{}, "AbortSignal"], [null, "null"], [new AbortController()], [1]],
};

for (const [option, values] of Object.entries(WRONG_TYPES)) {
  poolTest(
    `option ${option}: a wrong type is a TypeError that names it`,
    () => {
      for (const [value, ...said] of values) {
        const error = assertThrows(
          () => poolUntyped({ [option]: value }),
          TypeError,
        );
        for (const text of [option, ...said]) {
          assertStringIncludes(error.message, text);
        }
        assert(!error.message.endsWith("."), error.message);
      }
    },
  );
}

for (const option of ["capacity", "whenFull"]) {
  poolTest(
    `option queue.${option}: a wrong type is a TypeError that names it`,
    () => {
      for (const value of [null, true, {}, [], 1n, () => {}, Symbol("s")]) {
        const error = assertThrows(
          () => poolUntyped({ queue: { [option]: value } }),
          TypeError,
        );
        assertStringIncludes(error.message, `queue.${option}`);
      }
    },
  );
}

poolTest(
  "options that are neither a number nor an object are a TypeError",
  () => {
    for (const value of ["4", null, true, 4n, () => {}, Symbol("s"), [], [4]]) {
      assertThrows(() => poolUntyped(value), TypeError);
    }
  },
);

poolTest("a size out of range is a RangeError that says what came", () => {
  for (const size of [0, -1, 1.5, NaN, Infinity, -Infinity, 2 ** 53, -0]) {
    for (const options of [size, { size }]) {
      const error = assertThrows(() => poolUntyped(options), RangeError);
      assertStringIncludes(error.message, "size");
      assertStringIncludes(error.message, "at least 1");
      assertStringIncludes(error.message, String(size));
    }
  }
});

poolTest(
  "a concurrency out of range is a RangeError that says what came",
  () => {
    for (const concurrency of [0, -1, 1.5, NaN, Infinity, 2 ** 53, -0]) {
      const error = assertThrows(
        () => new ThreadPool({ concurrency }),
        RangeError,
      );
      assertInstanceOf(error, RangeError);
      assertStringIncludes(error.message, "`concurrency`");
      assertStringIncludes(error.message, "an integer of at least 1");
      assertStringIncludes(error.message, String(concurrency));
    }
  },
);

poolTest(
  'isolation "none", and an unknown one, are refused by name',
  () => {
    const none = assertThrows(() => poolUntyped({ isolation: "none" }));
    assertInstanceOf(none, TypeError);
    assertStringIncludes(none.message, '"none" is not available');
    const unknown = assertThrows(() => poolUntyped({ isolation: "fiber" }));
    assertInstanceOf(unknown, RangeError);
    assertStringIncludes(unknown.message, '"fiber"');
  },
);

for (const more of [{ hardKill: true }, { memoryLimit: 64 }]) {
  const [name] = Object.keys(more);
  poolTest(
    `permissions and ${name} go together in a process only`,
    async () => {
      const options = { permissions: "none", ...more } as const;
      const error = assertThrows(() => new ThreadPool(options), TypeError);
      for (const text of [name, "permissions", '`isolation` to "process"']) {
        assertStringIncludes(error.message, text);
      }
      await new ThreadPool({ ...options, isolation: "process" }).close();
    },
  );
}

for (
  const flag of [
    "--allow-all",
    "--allow-read=/",
    "--deny-net",
    "--ignore-env",
    "--permission-set=x",
    "--inspect",
  ]
) {
  poolTest(`execArgv refuses ${flag}, which is the pool's to give`, () => {
    const options = { isolation: "process", execArgv: [flag] } as const;
    const error = assertThrows(() => new ThreadPool(options), TypeError);
    assertStringIncludes(error.message, flag);
  });
}

poolTest(
  "options that mean nothing for a process, or for a thread, are refused",
  () => {
    const refused: [ThreadPoolOptions, string][] = [
      [{ isolation: "process", connections: "bytes" }, "connections"],
      [
        { isolation: "process", queue: { whenFull: "caller-runs" } },
        "isolation",
      ],
      [{ execArgv: [] }, "execArgv"],
    ];
    for (const [options, name] of refused) {
      const error = assertThrows(() => new ThreadPool(options), TypeError);
      assertStringIncludes(error.message, name);
    }
  },
);

poolTest(
  "an unknown way for connections to move is refused, and its message names the known ones",
  () => {
    for (const connections of ["", "Bytes", "descriptors", "fd"]) {
      const error = assertThrows(() => poolUntyped({ connections }));
      assertInstanceOf(error, RangeError);
      for (const text of ["connections", '"bytes"', '"descriptor"']) {
        assertStringIncludes(error.message, text);
      }
      assertStringIncludes(error.message, `"${connections}"`);
    }
  },
);

poolTest(
  "a queue's capacity out of range is a RangeError that says what came",
  () => {
    for (const capacity of [-1, 1.5, NaN, -Infinity]) {
      const error = assertThrows(
        () => new ThreadPool({ queue: { capacity } }),
        RangeError,
      );
      assertStringIncludes(error.message, "queue.capacity");
      assertStringIncludes(error.message, String(capacity));
    }
  },
);

poolTest(
  "an unknown whenFull is refused, and its message names the known ones",
  () => {
    const error = assertThrows(
      () => poolUntyped({ queue: { whenFull: "explode" } }),
      RangeError,
    );
    for (const text of ["queue.whenFull", '"wait"', '"reject"', '"explode"']) {
      assertStringIncludes(error.message, text);
    }
  },
);

poolTest("unknown options are a TypeError that names them", () => {
  for (
    const [name, options] of Object.entries({
      sizes: { sizes: 4 },
      Size: { Size: 4 },
      "queue.capasity": { queue: { capasity: 4 } },
      toString: { toString: () => "" },
    })
  ) {
    const error = assertThrows(() => poolUntyped(options), TypeError);
    assertStringIncludes(error.message, name);
  }
});

poolTest("options that are not there yet are refused, and not ignored", () => {
  const LATER = {
    idleTimeout: 100,
    size: { min: 1, max: 2 },
  };
  for (const [name, value] of Object.entries(LATER)) {
    const error = assertThrows(() => poolUntyped({ [name]: value }), TypeError);
    assertStringIncludes(error.message, name);
    assertStringIncludes(error.message, "not available");
  }
});

poolTest(
  "a module that is not an absolute URL is refused, and told how to write it",
  () => {
    for (const module of ["./jobs.ts", "jobs.ts", "/jobs.ts", "../a.ts", ""]) {
      const error = assertThrows(() => new ThreadPool({ module }), TypeError);
      assertStringIncludes(error.message, "module");
      assertStringIncludes(error.message, "absolute URL");
      assertStringIncludes(error.message, module);
      assertStringIncludes(error.message, "import.meta.url");
    }
  },
);

poolTest("a refused pool starts nothing", async () => {
  const before = await liveWorkers();
  assertThrows(() => poolUntyped({ size: 4, bogus: 1 }));
  assertThrows(() => new ThreadPool(0));
  assertEquals(await liveWorkers(), before);
});

poolTest("undefined options take their defaults", async () => {
  await using pool = new ThreadPool({
    module: undefined,
    size: undefined,
    concurrency: undefined,
    queue: { capacity: undefined, whenFull: undefined },
    connections: undefined,
    callerStack: undefined,
    name: undefined,
    signal: undefined,
  });
  assertEquals(await pool.execute(() => 1), 1);
  await using other = new ThreadPool({ queue: undefined });
  await other.ready();
});

poolTest(
  "a pool without options runs inline jobs on as many workers as there are cores",
  async () => {
    await using pool = new ThreadPool();
    const jobs = navigator.hardwareConcurrency + 3;
    await Promise.all(
      Array.from(
        { length: jobs },
        () =>
          pool.execute(() =>
            new Promise((resolve) => setTimeout(resolve, 200))
          ),
      ),
    );
    assertEquals(pool.stats().size, navigator.hardwareConcurrency);
  },
);

poolTest("a number is the size", async () => {
  await using pool = new ThreadPool(2);
  await Promise.all(
    Array.from(
      { length: 6 },
      () =>
        pool.execute(() => new Promise((resolve) => setTimeout(resolve, 50))),
    ),
  );
  assertEquals(pool.stats().size, 2);
});

poolTest("the module may be a URL or a string of one", async () => {
  const url = new URL("./fixtures/echo.ts", import.meta.url);
  for (
    const module of [
      url,
      url.href,
      "data:text/javascript,export const echo = (value) => value",
    ]
  ) {
    await using pool = new ThreadPool({ module, size: 1 });
    assertEquals(await pool.execute("echo", ["text"]), "text");
  }
});

poolTest(
  "a module that changes after construction is not followed",
  async () => {
    const module = new URL("./fixtures/echo.ts", import.meta.url);
    const options = { module, size: 1, queue: { capacity: 3 } };
    await using pool = new ThreadPool(options);
    module.pathname = "/no/such/file.ts";
    options.queue.capacity = -1;
    assertEquals(await pool.execute("echo", [1]), 1);
  },
);

poolTest("name is the prefix of the workers' names", async () => {
  await using pool = new ThreadPool({ size: 1, name: "prefix-of-mine" });
  assertEquals(await pool.execute(() => self.name), "prefix-of-mine-1");
});

const WRONG_CALLS: Record<string, Wrong[]> = {
  signal: [[{}, "AbortSignal"], [null, "null"], [1, "1"]],
  transfer: [[{}, "array"], [null, "null"], [new ArrayBuffer(1)], [new Set()]],
};

for (const [option, values] of Object.entries(WRONG_CALLS)) {
  poolTest(
    `option ${option} of execute(): a wrong type is a TypeError that names it`,
    async () => {
      await using pool = new ThreadPool(1);
      for (const [value, ...said] of values) {
        const error = await assertRejects(
          () => executeUntyped(pool, () => 1, [], { [option]: value }),
          TypeError,
        );
        for (const text of [option, ...said]) {
          assertStringIncludes(error.message, text);
        }
      }
      assertEquals(pool.stats().size, 0);
    },
  );
}

poolTest(
  "unknown options of execute() are a TypeError that names them",
  async () => {
    await using pool = new ThreadPool(1);
    const error = await assertRejects(
      () => executeUntyped(pool, () => 1, [], { signals: 1 }),
      TypeError,
    );
    assertStringIncludes(error.message, "signals");
  },
);

poolTest(
  "options of execute() that are not there yet are refused, and not ignored",
  async () => {
    await using pool = new ThreadPool(1);
    for (
      const [name, value] of Object.entries({
        priority: 1,
        key: "a",
      })
    ) {
      const error = await assertRejects(
        () => executeUntyped(pool, () => 1, [], { [name]: value }),
        TypeError,
      );
      assertStringIncludes(error.message, name);
      assertStringIncludes(error.message, "not available");
    }
  },
);

poolTest(
  "options of execute() that are not an object are a TypeError",
  async () => {
    await using pool = new ThreadPool(1);
    for (const options of [1, "a", null, true, () => {}, []]) {
      await assertRejects(
        () => executeUntyped(pool, () => 1, [], options),
        TypeError,
        "options",
      );
    }
  },
);

poolTest("undefined options of execute() take their defaults", async () => {
  await using pool = new ThreadPool(1);
  const options = { signal: undefined, transfer: undefined };
  assertEquals(await pool.execute(() => 1, [], options), 1);
  assertEquals(await executeUntyped(pool, () => 1, undefined, undefined), 1);
});

poolTest("arguments that are not an array are a TypeError", async () => {
  await using pool = new ThreadPool(1);
  for (const args of [1, "ab", null, {}, new Set([1]), { length: 1, 0: 1 }]) {
    const error = await assertRejects(
      () => executeUntyped(pool, () => 1, args),
      TypeError,
    );
    assertStringIncludes(error.message, "args");
    assertStringIncludes(error.message, "array");
  }
});

poolTest(
  "a job that is neither a name nor a function is a TypeError",
  async () => {
    await using pool = new ThreadPool(1);
    for (const job of [undefined, null, 1, {}, [], true, Symbol("s"), 1n]) {
      const error = await assertRejects(
        () => executeUntyped(pool, job),
        TypeError,
      );
      assertStringIncludes(error.message, "job");
    }
  },
);

/** What people write, and the right form that the message shows. */
const WRITTEN_WRONG: [options: unknown, advice: string][] = [
  ["4", "new ThreadPool(4)"],
  ["./jobs.ts", "new ThreadPool({ module: … })"],
  [new URL("file:///jobs.ts"), "new ThreadPool({ module: … })"],
  [{ queue: 16 }, "queue: { capacity: 16 }"],
  [{ queue: "reject" }, 'queue: { whenFull: "reject" }'],
  [{ queue: { capacity: "16" } }, "queue: { capacity: 16 }"],
  [{ whenFull: "reject" }, 'queue: { whenFull: "reject" }'],
  [{ capacity: 16 }, "queue: { capacity: 16 }"],
  [{ maxQueue: 16 }, "did you mean `queue.capacity`?"],
  [{ size: "4" }, "size: 4"],
  [{ workers: 4 }, "did you mean `size`?"],
  [{ concurency: 4 }, "did you mean `concurrency`?"],
  [{ queue: { whenfull: "wait" } }, "did you mean `whenFull`?"],
  [{ transfer: [] }, "an option of `execute()`"],
  [{ module: "C:\\work\\jobs.ts" }, "file:///C:/work/jobs.ts"],
  [{ permissions: true }, 'permissions: "inherit"'],
  [{ permissions: { read: "./data" } }, 'permissions: { read: ["./data"] }'],
  [{ timeout: "5s" }, "timeout: 5000"],
  [{ abortGrace: "100 ms" }, "abortGrace: 100"],
  [{ memoryLimit: "1 GiB" }, "memoryLimit: 1024"],
  [{ signal: new AbortController() }, "signal: controller.signal"],
];

poolTest("options that are written wrong are told how to write them", () => {
  for (const [options, advice] of WRITTEN_WRONG) {
    const error = assertThrows(() => poolUntyped(options), TypeError);
    assertStringIncludes(error.message, advice);
  }
});

/** Calls, and the right form that the message shows. */
const CALLED_WRONG: [call: unknown[], advice: string][] = [
  [["add", 1, 2], 'execute("add", [1, 2])'],
  [["add", "x"], 'execute("add", ["x"])'],
  [[() => 1, 1], "execute(job, [1])"],
  [[() => 1, { a: 1 }, { timeout: 5 }], "execute(job, [{ … }], { … })"],
  [[() => 1, [1], 2], "all arguments into one array"],
  [[() => 1, [], new AbortController().signal], "{ signal }"],
  [[() => 1, [], { signal: new AbortController() }], "controller.signal"],
  [[() => 1, [], { transfer: new ArrayBuffer(1) }], "transfer: [value]"],
  [[() => 1, [], { timeout: "5s" }], "timeout: 5000"],
  [[() => 1, [], { transferList: [] }], "did you mean `transfer`?"],
  [[() => 1, [], { callerStack: true }], "an option of the pool"],
];

poolTest(
  "calls that are written wrong are told how to write them",
  async () => {
    await using pool = new ThreadPool(1);
    const execute = pool.execute.bind(pool) as (
      ...call: unknown[]
    ) => Promise<unknown>;
    for (const [call, advice] of CALLED_WRONG) {
      const error = await assertRejects(() => execute(...call), TypeError);
      assertStringIncludes(error.message, advice);
    }
  },
);
