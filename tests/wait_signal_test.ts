// Methods that wait accept a signal: ready(), drain(), close() and terminate().
import {
  assert,
  assertEquals,
  assertRejects,
  assertStrictEquals,
} from "@std/assert";
import {
  PoolClosedError,
  PoolTerminatedError,
  ThreadPool,
  type WaitOptions,
} from "@spindle/thread-pool";
import type * as jobs from "./fixtures/jobs.ts";
import { Gate } from "./gate.ts";
import { poolTest } from "./live_workers.ts";

type Pool = ThreadPool<typeof jobs>;

/** Creates a pool whose queue is full until its gate opens. */
function busyPool(): { pool: Pool; gate: Gate; held: Promise<unknown> } {
  const module = new URL("./fixtures/jobs.ts", import.meta.url);
  const queue = { capacity: 0 };
  const pool = new ThreadPool<typeof jobs>({ module, size: 1, queue });
  const gate = new Gate();
  return { pool, gate, held: pool.execute("passGate", [gate.key]) };
}

/** A signal that counts its listeners. */
class CountedSignal {
  readonly #controller = new AbortController();
  #listeners = 0;
  readonly signal = this.#controller.signal;

  constructor() {
    const { signal } = this;
    const { addEventListener, removeEventListener } = signal;
    signal.addEventListener = (...args: unknown[]) => {
      this.#listeners++;
      Reflect.apply(addEventListener, signal, args);
    };
    signal.removeEventListener = (...args: unknown[]) => {
      this.#listeners--;
      Reflect.apply(removeEventListener, signal, args);
    };
  }

  get listeners(): number {
    return this.#listeners;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}

/** The methods that wait while a job runs. */
const WAITS: Record<
  string,
  (pool: Pool, options?: WaitOptions) => Promise<void>
> = {
  ready: (pool, options) => pool.ready(options),
  drain: (pool, options) => pool.drain(options),
  close: (pool, options) => pool.close(options),
};
const METHODS: typeof WAITS = {
  ...WAITS,
  terminate: (pool, options) => pool.terminate("enough", options),
};

for (const [name, wait] of Object.entries(WAITS)) {
  poolTest(`${name}() rejects with the reason of its signal`, async () => {
    const { pool, gate, held } = busyPool();
    const counted = new CountedSignal();
    const reason = new RangeError("no longer");
    const waiting = wait(pool, counted);
    assertEquals(counted.listeners, 1);
    counted.abort(reason);
    assertStrictEquals(await waiting.catch((error) => error), reason);
    assertEquals(counted.listeners, 0);
    gate.open();
    await held;
    await pool.close();
  });

  poolTest(
    `${name}() resolves if its signal does not abort`,
    async () => {
      const { pool, gate, held } = busyPool();
      const counted = new CountedSignal();
      const waiting = wait(pool, counted);
      gate.open();
      await Promise.all([held, waiting]);
      assertEquals(counted.listeners, 0);
      counted.abort("late");
      await pool.close();
    },
  );

  poolTest(
    `${name}() of one caller continues when another caller's signal aborts`,
    async () => {
      const { pool, gate, held } = busyPool();
      const client = new AbortController();
      const all = [wait(pool), wait(pool, client), wait(pool)];
      client.abort("no longer");
      assertEquals(await all[1].catch((reason) => reason), "no longer");
      gate.open();
      await Promise.all([held, all[0], all[2]]);
      await pool.close();
    },
  );
}

for (const [name, wait] of Object.entries(METHODS)) {
  poolTest(`${name}() rejects at once if its signal has aborted`, async () => {
    const pool: Pool = new ThreadPool(1);
    const signal = AbortSignal.abort("too late");
    assertEquals(
      await wait(pool, { signal }).catch((reason) => reason),
      "too late",
    );
    await pool.close();
    // Also if there is nothing to wait for.
    assertEquals(
      await wait(pool, { signal }).catch((reason) => reason),
      "too late",
    );
  });

  poolTest(
    `${name}() refuses invalid options with a TypeError, and does nothing`,
    async () => {
      await using pool: Pool = new ThreadPool(1);
      const WRONG: [options: unknown, said: string][] = [
        [null, "Expected `options` to be an object, got null"],
        [5, "Expected `options` to be an object, got 5"],
        [AbortSignal.timeout(1), "write { signal }"],
        [{ signal: new AbortController() }, "signal: controller.signal"],
        [{ signal: 1 }, "Expected `signal` to be an AbortSignal, got 1"],
        [{ signals: 1 }, "did you mean `signal`?"],
        [{ timeout: 1 }, "Unknown option `timeout`"],
      ];
      for (const [options, said] of WRONG) {
        await assertRejects(
          () => wait(pool, options as WaitOptions),
          TypeError,
          said,
        );
      }
      assertEquals(await pool.execute(() => 1), 1);
    },
  );

  poolTest(`${name}() accepts options without a signal`, async () => {
    const pool: Pool = new ThreadPool(1);
    await wait(pool, {});
    await wait(pool, { signal: undefined }).catch((error) => {
      assert(
        error instanceof PoolTerminatedError ||
          error instanceof PoolClosedError,
      );
    });
    await pool.close();
  });
}

poolTest(
  "ready() gives up its place in line when its signal aborts",
  async () => {
    const { pool, gate, held } = busyPool();
    const client = new AbortController();
    const order: string[] = [];
    const first = pool.ready(client).catch(() => order.push("aborted"));
    const second = pool.ready().then(() => order.push("released"));
    client.abort();
    gate.open();
    await Promise.all([held, first, second]);
    assertEquals(order, ["aborted", "released"]);
    await pool.close();
  },
);

poolTest(
  "close() continues when its signal aborts, and can be awaited again",
  async () => {
    const { pool, gate, held } = busyPool();
    const closed = pool.close({ signal: AbortSignal.timeout(1) });
    await assertRejects(() => closed, DOMException);
    await assertRejects(() => pool.execute("echo", [1]), PoolClosedError);
    gate.open();
    await held;
    await pool.close();
    assertEquals(pool.stats().size, 0);
  },
);

poolTest("close() closes the pool even if its signal has aborted", async () => {
  const pool = new ThreadPool(1);
  await pool.close({ signal: AbortSignal.abort() }).catch(() => {});
  await assertRejects(() => pool.ready(), PoolClosedError);
});

poolTest("terminate() works even if its signal has aborted", async () => {
  const { pool, gate, held } = busyPool();
  using _ = gate;
  const terminated = pool.terminate("enough", {
    signal: AbortSignal.abort("late"),
  });
  assertEquals(await terminated.catch((reason) => reason), "late");
  await assertRejects(() => held, PoolTerminatedError);
  await pool.terminate();
});

poolTest("terminate() settles waiting calls under any signal", async () => {
  const { pool, gate, held } = busyPool();
  using _ = gate;
  const counted = new CountedSignal();
  const rejected = [held, pool.ready(counted)].map((promise) =>
    assertRejects(() => promise, PoolTerminatedError)
  );
  const resolved = [pool.drain(counted)];
  await pool.terminate("enough");
  await Promise.all([...rejected, ...resolved]);
  assertEquals(counted.listeners, 0);
});

poolTest(
  "terminate() of processes rejects with the reason of its signal",
  async () => {
    const pool = new ThreadPool({ size: 1, isolation: "process" });
    await pool.execute(() => 1);
    const client = new AbortController();
    const terminated = pool.terminate("enough", client);
    client.abort("no longer");
    assertEquals(await terminated.catch((reason) => reason), "no longer");
    await pool.terminate();
  },
);
