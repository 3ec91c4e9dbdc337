// Starts the warden: a process that kills all processes of a pool when the program has
// ended in any way. It also kills a process that exceeds its memory limit.

import { clearTimeout, setTimeout } from "node:timers";
import { argsFor, runDeno } from "./run_deno.ts";
import { guardProcesses } from "./warden_main.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** Time in ms after the end of a process within which the warden reports why. */
const WORD_AFTER = 200;
/** First and last delay in ms before the warden is replaced; doubles each time. */
const REPLACED_AFTER = 100;
const REPLACED_AT_LAST = 10_000;

/** The warden of a pool, which starts with the first process. */
export class Warden {
  /** Memory limits of running processes in MiB, by process id; 0 is no limit. */
  readonly #watched = new Map<number, number>();
  /** Whether the warden killed a process for its memory, by process id. */
  readonly #verdicts = new Map<number, PromiseWithResolvers<boolean>>();
  #child: Deno.ChildProcess | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  #delay = REPLACED_AFTER;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;
  #gone: Promise<void> = Promise.resolve();

  /**
   * Watches a process.
   *
   * @param limit Maximum memory in MiB, beyond a process without jobs; 0 for no limit
   */
  watch(pid: number, limit = 0): void {
    this.#watched.set(pid, limit);
    this.#verdicts.set(pid, Promise.withResolvers());
    if (this.#child) this.#tell(`+ ${pid} ${limit}`);
    else if (this.#timer === undefined) this.#start();
  }

  /**
   * Stops watching a process, which has ended.
   *
   * @param wasKilled Whether the process was killed
   * @returns Whether the warden killed the process for its memory
   */
  async forget(pid: number, wasKilled: boolean): Promise<boolean> {
    const { promise, resolve } = this.#verdicts.get(pid)!;
    const hadLimit = this.#watched.get(pid)! > 0;
    this.#watched.delete(pid);
    this.#tell(`- ${pid}`);
    if (!wasKilled || !hadLimit || this.#isStopped) resolve(false);
    const timer = setTimeout(resolve, WORD_AFTER, false);
    const wasTooLarge = await promise;
    clearTimeout(timer);
    this.#verdicts.delete(pid);
    return wasTooLarge;
  }

  /** Stops the warden; resolves when its process has ended. */
  stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    // Callers wait for the end of the warden, so the program must not end first.
    this.#child?.ref();
    this.#input?.close().catch(() => {
      // The warden has ended by itself.
    });
    for (const { resolve } of this.#verdicts.values()) resolve(false);
    return this.#gone;
  }

  #start(): void {
    const child = runDeno({
      // Not by the input: the program can end before the input is written.
      args: argsFor(guardProcesses, [...this.#watched]),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }, (command) => command.spawn());
    child.unref();
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#input.closed.catch(() => {
      // `#listen()` detects the end of the warden.
    });
    this.#gone = this.#listen(child);
  }

  #tell(line: string): void {
    this.#input?.write(new TextEncoder().encode(`${line}\n`)).catch(() => {
      // The warden has ended; its replacement gets all processes.
    });
  }

  /** Reads the warden's reports until it ends, and replaces it if it is needed. */
  async #listen(child: Deno.ChildProcess): Promise<void> {
    const start = performanceNow();
    let text = "";
    for await (
      const more of child.stdout.pipeThrough(new TextDecoderStream())
    ) {
      const pids = (text + more).split("\n");
      text = pids.pop()!;
      for (const pid of pids) this.#verdicts.get(Number(pid))?.resolve(true);
    }
    await child.status;
    this.#input!.abort().catch(() => {
      // The input is closed.
    });
    this.#child = this.#input = undefined;
    if (performanceNow() - start > REPLACED_AT_LAST) {
      this.#delay = REPLACED_AFTER;
    }
    if (this.#watched.size > 0) this.#startAgain();
  }

  #startAgain(): void {
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      try {
        this.#start();
      } catch {
        // The system cannot start a process now.
        this.#startAgain();
      }
    }, this.#delay);
    this.#delay = Math.min(2 * this.#delay, REPLACED_AT_LAST);
    this.#timer.unref();
  }
}
