// A process beside those of a pool that ends them when the program has ended,
// however that was, whatever they do by then; and one that takes more memory than
// it may.

import { Breaker } from "../threads/breaker.ts";
import { run } from "./run.ts";

/** The warden's own code. */
const MAIN = new URL("./warden_main.ts", import.meta.url);

/** Never called; it puts the warden's code into the module graph. */
export const importWarden = (): Promise<unknown> => import("./warden_main.ts");

/** What it has to say of a process is here so many ms after that has ended. */
const WORD_AFTER = 200;

/** So many that have ended by themselves in a row are replaced at once. */
const MOST_DEATHS = 3;
/** A warden that was there for so many ms had started. */
const STARTED_AFTER = 1_000;

/** The warden of a pool, which starts with the first process. */
export class Warden {
  readonly #watched = new Map<number, number>();
  /** Those that it has ended since they were too large. */
  readonly #tooLarge = new Set<number>();
  readonly #waiting = new Map<number, (wasTooLarge: boolean) => void>();
  #child: Deno.ChildProcess | undefined;
  #input: WritableStreamDefaultWriter<Uint8Array> | undefined;
  readonly #deaths = new Breaker(MOST_DEATHS);
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isStopped = false;
  #gone: Promise<void> = Promise.resolve();

  /**
   * Watches a process.
   *
   * @param memoryLimit MiB, beyond what it begins with, that end it
   */
  watch(pid: number, memoryLimit = 0): void {
    this.#watched.set(pid, memoryLimit);
    if (this.#child) this.#tell(`+ ${pid} ${memoryLimit}`);
    else if (this.#timer === undefined) this.#start();
  }

  /**
   * A process has ended.
   *
   * @returns Whether it was too large
   */
  forget(pid: number): Promise<boolean> {
    const memoryLimit = this.#watched.get(pid);
    this.#watched.delete(pid);
    this.#tell(`- ${pid}`);
    if (this.#tooLarge.delete(pid)) return Promise.resolve(true);
    if (!memoryLimit || this.#isStopped) return Promise.resolve(false);
    return new Promise((resolve) => {
      const answer = (wasTooLarge: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(pid);
        resolve(wasTooLarge);
      };
      const timer = setTimeout(answer, WORD_AFTER, false);
      this.#waiting.set(pid, answer);
    });
  }

  /** Ends it; resolves when it has ended. */
  stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    // Who waits for its end is not to end before.
    this.#child?.ref();
    this.#input?.close().catch(() => {
      // It has ended by itself.
    });
    for (const answer of this.#waiting.values()) answer(false);
    return this.#gone;
  }

  #start(): void {
    this.#timer = undefined;
    if (this.#isStopped) return;
    const args = ["run", "--allow-all", "--no-config", "--no-lock"];
    args.push("--cached-only", MAIN.href);
    const options: Deno.CommandOptions = {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "inherit",
    };
    const child = this.#child = run(options, (command) => command.spawn());
    child.unref();
    const input = this.#input = child.stdin.getWriter();
    input.closed.catch(() => {
      // Its end is heard of below.
    });
    this.#gone = this.#listen(child, input);
    for (const [pid, limit] of this.#watched) this.#tell(`+ ${pid} ${limit}`);
  }

  #tell(line: string): void {
    this.#input?.write(new TextEncoder().encode(`${line}\n`)).catch(() => {
      // It has ended; another one will be told.
    });
  }

  /** Listens as long as it lives; if somebody has ended it, another one starts. */
  async #listen(
    child: Deno.ChildProcess,
    input: WritableStreamDefaultWriter<Uint8Array>,
  ): Promise<void> {
    const lines = child.stdout.pipeThrough(new TextDecoderStream());
    const start = performance.now();
    let text = "";
    for await (const more of lines) {
      const said = (text + more).split("\n");
      text = said.pop()!;
      for (const pid of said) this.#endedFor(Number(pid));
    }
    await child.status;
    input.abort().catch(() => {
      // It is closed.
    });
    if (this.#child !== child) return;
    this.#child = this.#input = undefined;
    if (this.#watched.size > 0) this.#startAgain(performance.now() - start);
  }

  #startAgain(lived: number): void {
    const now = performance.now();
    if (lived > STARTED_AFTER) this.#deaths.reset();
    this.#deaths.add(now);
    const delay = this.#deaths.delay(now);
    this.#timer = setTimeout(() => {
      try {
        this.#start();
      } catch {
        // The system has no room for it now.
        this.#startAgain(0);
      }
    }, delay);
    Deno.unrefTimer(this.#timer);
  }

  #endedFor(pid: number): void {
    const answer = this.#waiting.get(pid);
    if (answer) answer(true);
    else if (this.#watched.has(pid)) this.#tooLarge.add(pid);
  }
}
