// A small model of a pool: runs the steps of a play with a pool, and checks that each
// outcome is allowed.
import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { deadline } from "@std/async";
import {
  type ExecuteOptions,
  JobCloneError,
  JobDiscardedError,
  JobNotFoundError,
  JobTimeoutError,
  PoolClosedError,
  PoolTerminatedError,
  QueueFullError,
  ThreadPool,
  WorkerCrashedError,
} from "@spindle/thread-pool";
import {
  type DeedName,
  type DeedPool,
  DEEDS,
  DEEDS_MODULE,
  doDeed,
  numbersFor,
  type Outcome,
} from "../deeds.ts";
import { liveProcesses } from "../live_processes.ts";
import { eventually, liveWorkers } from "../live_workers.ts";
import type { Play, Step } from "./plays.ts";

/** Time in ms after which a step counts as hanging. */
const HANGS = 15_000;
/** Number of deaths in a row after which the pool refuses jobs for a while. */
const BREAKS_AFTER = 10;

type State = "open" | "closed" | "terminated";

/** A call of `execute()`. */
interface Call {
  label: string;
  deed: DeedName | undefined;
  i: number;
  isCounted: boolean;
  stop: AbortController;
  /** State of the pool at the time of the call. */
  state: State;
  /** Minimum and maximum number of jobs in the pool at the time of the call. */
  load: [least: number, most: number];
  /** Whether the buffers that move with the job were detached. */
  isTaken: boolean;
  key?: string | number;
  outcome: Promise<Outcome>;
  /** The outcome, once known. */
  settled?: Outcome;
}

/** Runs a play. Fails if any outcome is not allowed. */
export async function act(play: Play): Promise<void> {
  const before = await liveWorkers();
  const model = new Model(play);
  try {
    for (const step of play.steps) {
      const name = JSON.stringify(step);
      await inTime(model.take(step), () => `${name} hangs: ${model}`);
      model.look();
    }
    await inTime(model.end(), () => `The end hangs: ${model}`);
  } finally {
    await model.abandon();
  }
  let left: string[] = [];
  await eventually(async () => {
    left = (await liveWorkers()).filter((name) => !before.includes(name));
    if (Deno.build.os === "linux") left = left.concat(await liveProcesses());
    return left.length === 0;
  }, () => `Expected no worker to be left, found ${left.join(", ")}`);
}

/** Rejects with a message if the promise does not settle within `HANGS` ms. */
function inTime(promise: Promise<void>, what: () => string): Promise<void> {
  return deadline(promise, HANGS).catch((error) => {
    throw error instanceof DOMException ? new Error(what()) : error;
  });
}

class Model {
  readonly #options: Play["options"];
  readonly #pool: DeedPool;
  readonly #calls: Call[] = [];
  readonly #runs: SharedArrayBuffer;
  readonly #ends: number[] = [];
  /** Fulfilled calls, in the order of their ends. */
  readonly #fulfilled: Call[] = [];
  readonly #reason = new Error("The play says so");
  #state: State = "open";
  #wasClosed = false;

  constructor({ options, steps }: Play) {
    this.#options = options;
    this.#runs = new SharedArrayBuffer(steps.length * 4);
    this.#pool = new ThreadPool({ ...options, module: DEEDS_MODULE });
    this.#pool.addEventListener("jobend", ({ detail: { jobId } }) => {
      this.#ends[jobId] = (this.#ends[jobId] ?? 0) + 1;
    });
  }

  /** Runs one step. */
  async take(step: Step): Promise<void> {
    switch (step.do) {
      case "execute":
        return this.#execute(step);
      case "execute uncloneable":
        return this.#call(
          "uncloneable",
          undefined,
          false,
          (options) =>
            this.#pool.execute("number", [() => {}] as never, options),
        );
      case "execute missing":
        return this.#call(
          "missing",
          undefined,
          false,
          (options) => this.#pool.execute("missing" as "number", [0], options),
        );
      case "abort": {
        const call = this.#calls.at(step.which % this.#calls.length);
        return call?.stop.abort(new Error(`Abort ${call.i}`));
      }
      case "await":
        await this.#calls.at(step.which % this.#calls.length)?.outcome;
        return;
      case "pause":
        return await new Promise((resolve) => setTimeout(resolve, step.ms));
      case "ready":
        return await this.#ready();
      case "drain":
        await this.#pool.drain();
        return await this.#checkQuiet();
      case "close":
        if (this.#state === "open") {
          this.#state = "closed";
          this.#wasClosed = true;
        }
        return void this.#pool.close();
      case "terminate":
        this.#state = "terminated";
        await this.#pool.terminate(this.#reason);
        return await this.#checkQuiet();
    }
  }

  #execute(
    { deed, counted: isCounted, priority, key }: Step & { do: "execute" },
  ): void {
    const runs = isCounted ? this.#runs : undefined;
    const i = this.#calls.length;
    const numbers = numbersFor(i);
    const { timeout } = DEEDS[deed];
    this.#call(deed, deed, isCounted, ({ signal }) => {
      // With "caller-runs", jobs cannot have a timeout.
      const options: ExecuteOptions = { signal, priority, key };
      if (timeout !== undefined) options.timeout = timeout;
      return doDeed(this.#pool, deed, i, options, runs, numbers);
    });
    this.#calls[i].isTaken = numbers.length === 0;
    this.#calls[i].key = key;
  }

  #call(
    label: string,
    deed: DeedName | undefined,
    isCounted: boolean,
    execute: (options: ExecuteOptions) => Promise<unknown>,
  ): void {
    const stop = new AbortController();
    const { queued, running } = this.#pool.stats();
    const call: Call = {
      label,
      deed,
      i: this.#calls.length,
      isCounted,
      stop,
      state: this.#state,
      load: [queued + running, this.#mostOnTheirWay()],
      isTaken: false,
      outcome: Promise.allSettled([execute({ signal: stop.signal })])
        .then(([outcome]) => {
          if (outcome.status === "fulfilled") this.#fulfilled.push(call);
          return call.settled = outcome;
        }),
    };
    this.#calls.push(call);
  }

  /** Returns the maximum number of jobs in the pool. Aborted and late jobs may still run. */
  #mostOnTheirWay(): number {
    return this.#calls.filter(({ settled, stop, deed }) => {
      return settled === undefined || stop.signal.aborted ||
        deed !== undefined && DEEDS[deed].timeout !== undefined;
    }).length;
  }

  async #ready(): Promise<void> {
    const [{ status, reason }] = await Promise.allSettled([
      this.#pool.ready(),
    ]) as [PromiseRejectedResult];
    if (this.#state === "open") assertEquals(status, "fulfilled");
    else this.#checkRefusal(this.#state, reason);
  }

  #checkRefusal(state: State, reason: unknown): void {
    if (state === "closed") {
      return void assertInstanceOf(reason, PoolClosedError);
    }
    // The pool had closed before it was terminated.
    if (this.#wasClosed && reason instanceof PoolClosedError) return;
    assertInstanceOf(reason, PoolTerminatedError);
    assert(reason.cause === this.#reason, "The reason is another one");
  }

  /** Checks the conditions that always hold. */
  look(): void {
    const stats = this.#pool.stats();
    const { size, idle, busy, queued, running } = stats;
    assert(size <= Number(this.#options.size), Deno.inspect(stats));
    assertEquals(idle + busy, size);
    assert(idle >= 0 && queued >= 0 && running >= 0, Deno.inspect(stats));
    assert(this.#settledOf(stats) <= this.#calls.length, Deno.inspect(stats));
  }

  #settledOf(stats: ReturnType<DeedPool["stats"]>): number {
    const { completed, failed, aborted, timedOut } = stats;
    return completed + failed + aborted + timedOut;
  }

  /** Checks the conditions that hold when no job is queued or running. */
  async #checkQuiet(): Promise<void> {
    await Promise.all(this.#calls.map(({ outcome }) => outcome));
    for (const call of this.#calls) this.#checkCall(call);
    this.#checkKeys();
    const accepted = this.#calls.filter((call) => !this.#isRefused(call));
    const stats = this.#pool.stats();
    const expected = { completed: 0, failed: 0, aborted: 0, timedOut: 0 };
    for (const call of accepted) expected[this.#countedAs(call)]++;
    const { completed, failed, aborted, timedOut } = stats;
    assertEquals({ completed, failed, aborted, timedOut }, expected);
    assertEquals(stats.queued, 0);
    // Job ids count from 1.
    assertEquals(
      Array.from(this.#ends.slice(1)),
      Array(accepted.length).fill(1),
      "Each job ends once",
    );
  }

  /** Checks that jobs of one key have ended in the order of their calls. */
  #checkKeys(): void {
    const last = new Map<string | number, number>();
    for (const { key, i } of this.#fulfilled) {
      if (key === undefined) continue;
      const before = last.get(key) ?? -1;
      assert(before < i, `Call ${before} of key ${key} ended before call ${i}`);
      last.set(key, i);
    }
  }

  #countedAs({ settled, stop }: Call) {
    if (settled!.status === "fulfilled") return "completed";
    const { reason } = settled as PromiseRejectedResult;
    if (stop.signal.aborted && reason === stop.signal.reason) return "aborted";
    return reason instanceof JobTimeoutError ? "timedOut" : "failed";
  }

  #checkCall(call: Call): void {
    const { i, label, deed, settled } = call;
    try {
      if (deed === "moved") {
        const isAccepted = !this.#isRefused(call);
        assertEquals(call.isTaken, isAccepted, "What moves is taken");
      }
      this.#checkOutcome(call, settled!);
      this.#checkRuns(call, settled!);
    } catch (error) {
      const { message } = error as Error;
      throw new Error(
        `Call ${i} (${label}): ${message}\nof ${Deno.inspect(settled)}`,
        { cause: error },
      );
    }
  }

  /** Returns whether the pool refused the job. */
  #isRefused({ label, state, settled }: Call): boolean {
    if (state !== "open") return true;
    if (settled!.status === "fulfilled") return false;
    const { reason } = settled as PromiseRejectedResult;
    return reason instanceof QueueFullError || isBreakdown(reason) ||
      label === "uncloneable" && reason instanceof JobCloneError &&
        reason.message.includes("args");
  }

  #checkOutcome(call: Call, outcome: Outcome): void {
    const { label, deed, i, state } = call;
    const reason = outcome.status === "rejected" ? outcome.reason : undefined;
    if (state !== "open") return this.#checkRefusal(state, reason);
    this.#checkRoom(call, reason instanceof QueueFullError);
    if (reason !== undefined && this.#isExcused(call, reason)) return;
    if (deed) return DEEDS[deed].check(i, outcome);
    const Class = label === "missing" ? JobNotFoundError : JobCloneError;
    assertInstanceOf(reason, Class);
  }

  #checkRoom({ load: [least, most] }: Call, isRefused: boolean): void {
    const { size, concurrency, queue } = this.#options;
    const limit = (size as number) * concurrency! + queue!.capacity!;
    const isRight = isRefused
      ? most >= limit
      : least < limit || queue!.whenFull !== "reject";
    assert(isRight, `${least} to ${most} of ${limit}, refused: ${isRefused}`);
  }

  /** Returns whether an outcome is allowed because of other steps. */
  #isExcused({ deed, stop }: Call, reason: unknown): boolean {
    const { concurrency, queue } = this.#options;
    const whenFull = queue!.whenFull!;
    if (stop.signal.aborted && reason === stop.signal.reason) return true;
    if (reason instanceof PoolTerminatedError) {
      return this.#state === "terminated" && reason.cause === this.#reason;
    }
    const isDiscarding = whenFull === "discard-oldest";
    if (reason instanceof JobDiscardedError) return isDiscarding;
    if (reason instanceof QueueFullError) {
      return isDiscarding || whenFull === "reject";
    }
    if (isBreakdown(reason)) return this.#pool.stats().crashed >= BREAKS_AFTER;
    if (!(reason instanceof WorkerCrashedError)) return false;
    return reason.started ? concurrency! > 1 : deed === "moved";
  }

  #checkRuns({ deed, i, isCounted, state }: Call, outcome: Outcome): void {
    if (!isCounted || !deed) return;
    const runs = new Int32Array(this.#runs)[i];
    const reason = outcome.status === "rejected" ? outcome.reason : undefined;
    const neverRan = state !== "open" || reason instanceof QueueFullError ||
      reason instanceof JobDiscardedError ||
      reason instanceof WorkerCrashedError && !reason.started;
    if (neverRan) return assertEquals(runs, 0, "It was not to run");
    if (outcome.status === "fulfilled") return assertEquals(runs, 1, "It ran");
    assert(runs <= 1, `It ran ${runs} times`);
  }

  /** Closes the pool, and checks that all jobs and workers have ended. */
  async end(): Promise<void> {
    await this.#pool.close();
    if (this.#state === "open") this.#state = "closed";
    await this.#checkQuiet();
    const { size, running } = this.#pool.stats();
    assertEquals([size, running], [0, 0]);
  }

  /** Ends the pool, also after a failure. */
  async abandon(): Promise<void> {
    await this.#pool.terminate();
  }

  toString(): string {
    const hanging = this.#calls.filter(({ settled }) => !settled)
      .map(({ i, label }) => `${label} ${i}`);
    return `${hanging.join(", ")} of ${Deno.inspect(this.#pool.stats())}`;
  }
}

function isBreakdown(reason: unknown): boolean {
  return reason instanceof WorkerCrashedError && !reason.started &&
    reason.message.includes("in a row");
}
