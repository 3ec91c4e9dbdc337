// A process beside those of a pool that ends them when the program has ended,
// however that was, whatever they do by then; and one that takes more memory than
// it may.

import { clearTimeout, setTimeout } from "node:timers";
import { argsFor, runDeno } from "./run_deno.ts";
import { guardProcesses } from "./warden_main.ts";
import { performanceNow } from "../values/intrinsics.ts";

/** Milliseconds after the end of a process by which its warden has said why. */
const WORD_AFTER = 200;
/** Milliseconds before one that has ended by itself is replaced; twice as many each time. */
const REPLACED_AFTER = 100;
const REPLACED_AT_LAST = 10_000;

/** The warden of a pool, which starts with the first process. */
export class Warden {
  /** The processes that run, and the MiB, beyond what they begin with, that end them. */
  readonly #watched = new Map<number, number>();
  /** Whether a process, which may have ended, was ended for its memory. */
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
   * @param limit MiB, beyond what it begins with, that end it; 0 for any
   */
  watch(pid: number, limit = 0): void {
    this.#watched.set(pid, limit);
    this.#verdicts.set(pid, Promise.withResolvers());
    if (this.#child) this.#tell(`+ ${pid} ${limit}`);
    else if (this.#timer === undefined) this.#start();
  }

  /**
   * A process has ended.
   *
   * @param wasKilled Whether somebody has ended it
   * @returns Whether that was for its memory
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

  /** Ends it; resolves when it has ended. */
  stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    // Until it has ended, those who wait for its end must not.
    this.#child?.ref();
    this.#input?.close().catch(() => {
      // It has ended by itself.
    });
    for (const { resolve } of this.#verdicts.values()) resolve(false);
    return this.#gone;
  }

  #start(): void {
    const child = runDeno({
      // Not by its input: the program may end before that is written.
      args: argsFor(guardProcesses, [...this.#watched]),
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    }, (command) => command.spawn());
    child.unref();
    this.#child = child;
    this.#input = child.stdin.getWriter();
    this.#input.closed.catch(() => {
      // Its end is heard of below.
    });
    this.#gone = this.#listen(child);
  }

  #tell(line: string): void {
    this.#input?.write(new TextEncoder().encode(`${line}\n`)).catch(() => {
      // It has ended; another one will be told.
    });
  }

  /** Listens as long as it lives; if somebody has ended it, another one starts. */
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
      // It is closed.
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
        // The system has no room for it now.
        this.#startAgain();
      }
    }, this.#delay);
    this.#delay = Math.min(2 * this.#delay, REPLACED_AT_LAST);
    this.#timer.unref();
  }
}
