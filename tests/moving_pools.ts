// Test suites: cases share a pool, and each case leaves nothing behind.
import { deadline } from "@std/async";
import { ThreadPool, type ThreadPoolOptions } from "@spindle/thread-pool";
import { countSockets } from "./descriptors.ts";
import { Gate } from "./gate.ts";
import { countWorkers, eventually, isLacking } from "./live_workers.ts";

const CASE_LIMIT = 20_000;

/** Whether this Deno has no Web Locks; it then lacks some native moves, too. */
export const isOldDeno = !("locks" in navigator);
export const isWindows = Deno.build.os === "windows";

/** What a case of a suite receives. */
export interface Setting<Jobs> {
  /** The pool that the cases share. */
  pool: ThreadPool<Jobs>;
  /** A gate that opens when the case ends. */
  gate: Gate;
  /** A pool that is closed when the case ends. */
  make(options?: ThreadPoolOptions): ThreadPool<Jobs>;
  /** Closes a value when the case ends, unless the case has closed it. */
  use<T extends { close(): void }>(closable: T): T;
}

export type Cases<More> = Record<string, (given: More) => Promise<unknown>>;

/** A suite; `More` is what its cases need in addition to the pool. */
export interface Suite<Jobs, More> {
  name: string;
  options: ThreadPoolOptions;
  cases: Cases<Setting<Jobs> & More>;
  extend?: (setting: Setting<Jobs>) => More;
  ignore?: boolean;
  /** Whether sockets close late, so they are only counted after the last case. */
  lingers?: boolean;
}

/**
 * Declares a test whose cases run one after the other on one pool of one worker.
 * Each case must leave no job in the pool and no new socket in the process.
 */
export function suite<Jobs, More = unknown>(
  { name, options, cases, extend, ignore, lingers }: Suite<Jobs, More>,
): void {
  const make = (more: ThreadPoolOptions = {}) =>
    new ThreadPool<Jobs>({ size: 1, ...options, ...more });

  async function play(
    pool: ThreadPool<Jobs>,
    run: (given: Setting<Jobs> & More) => Promise<unknown>,
  ): Promise<void> {
    await using stack = new AsyncDisposableStack();
    const setting: Setting<Jobs> = {
      pool,
      gate: new Gate(),
      make: (more) => stack.use(make(more)),
      use: (closable) => (stack.defer(() => closeIfOpen(closable)), closable),
    };
    stack.use(setting.gate);
    await run({ ...setting, ...extend?.(setting) as More });
  }

  Deno.test({
    name,
    ignore,
    fn: async (test) => {
      const workers = await countWorkers();
      const sockets = countSockets();
      let pool = make();
      await pool.execute(() => {});
      for (const [name, run] of Object.entries(cases)) {
        const isRight = await test.step({
          name,
          ignore: isLacking(name),
          // The pool's worker outlives the case.
          sanitizeOps: false,
          sanitizeResources: false,
          fn: () =>
            deadline(
              leavesNothing(pool, () => play(pool, run), lingers),
              CASE_LIMIT,
            ),
        });
        if (isRight) continue;
        await pool.terminate();
        pool = make();
      }
      await pool.close();
      await eventually(
        async () => await countWorkers() <= workers,
        () => "Expected no worker to be left",
      );
      await socketsAreBack(sockets);
    },
  });
}

async function leavesNothing(
  pool: Pick<ThreadPool, "stats" | "drain">,
  run: () => Promise<void>,
  lingers = false,
): Promise<void> {
  const before = countSockets();
  await run();
  await pool.drain();
  // Aborted jobs may not have ended yet.
  await eventually(() => {
    const { queued, running } = pool.stats();
    return queued + running === 0;
  }, () => `Expected no job to be left, found ${Deno.inspect(pool.stats())}`);
  if (!lingers) await socketsAreBack(before);
}

async function socketsAreBack(before: number): Promise<void> {
  await eventually(
    () => countSockets() <= before,
    () => `Expected ${before} sockets, found ${countSockets()}`,
  );
}

export function closeIfOpen(closable: { close(): void }): void {
  try {
    closable.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** Returns a case for each row of a table. */
export function rows<Row, More>(
  table: Record<string, Row>,
  name: (row: string) => string,
  run: (given: More, row: Row, key: string) => Promise<unknown>,
): Cases<More> {
  const cases = Object.entries(table).map(([key, row]) => {
    return [name(key), (given: More) => run(given, row, key)];
  });
  return Object.fromEntries(cases);
}
