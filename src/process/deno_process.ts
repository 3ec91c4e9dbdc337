// Runs one Deno process: its start, its input and output, and its end.

import { clearTimeout, setTimeout } from "node:timers";
import { concat } from "../flow/bytes.ts";
import type { Output } from "./output.ts";
import { type Pipes, pipesOf } from "./pipes.ts";
import { runDeno } from "./run_deno.ts";
import type { Warden } from "./warden.ts";

/** Data to send to a process; the bytes of a blob are read when its turn comes. */
export type Part = Uint8Array | Blob;

/** Events that a process reports. */
export interface DenoProcessEvents {
  /** The process has written to its standard error; `bytes` changes after the call. */
  wrote(bytes: Uint8Array): void;
  /** The process has ended by itself, and its output has been read. */
  ended(cause: Error): void;
}

/** Settings to start a process. */
export interface DenoCommand {
  /** Flags of `deno run`, and its main module. */
  flags: string[];
  /**
   * Whether the process may use the program's stored data, such as `localStorage`,
   * which needs no permission.
   */
  sharesStorage: boolean;
  /** Working directory; by default, the program's. */
  cwd: string | undefined;
  /** Complete environment; by default, the program's. */
  env: Record<string, string> | undefined;
  /** Maximum memory in MiB, in addition to what a process uses without jobs. */
  memoryLimit: number | undefined;
}

/** Time in ms for which main still reads output after the process has ended. */
const LAST_WORDS = 100;
/** Text that V8 or the runtime writes when memory runs out. */
const NO_MEMORY = /out of memory|memory allocation of \d+ bytes failed/i;

/** A Deno process. */
export class DenoProcess {
  readonly #child: Deno.ChildProcess;
  readonly #pipes: Pipes;
  readonly #output: Output;
  readonly #events: DenoProcessEvents;
  /** Data still to write. */
  #unwritten: Part[] = [];
  #isWriting = false;
  #isOver = false;
  /** Resolves when the process has ended and its output has been handled. */
  readonly gone: Promise<void>;

  /** @throws If the process cannot be started */
  constructor(
    command: DenoCommand,
    warden: Warden,
    output: Output,
    events: DenoProcessEvents,
  ) {
    this.#output = output;
    this.#events = events;
    const { flags, cwd, env, sharesStorage, memoryLimit } = command;
    this.#child = runDeno({
      args: ["run", ...sharesStorage ? [] : [ownStorage()], ...flags],
      cwd,
      clearEnv: env !== undefined,
      env,
      stdin: "piped",
      stdout: "inherit",
      stderr: "piped",
    }, (command) => command.spawn());
    try {
      // Before anything is sent, so the process cannot outlive this program.
      warden.watch(this.#child.pid, memoryLimit);
    } catch (cause) {
      this.#child.kill("SIGKILL");
      throw cause;
    }
    this.#pipes = pipesOf(this.#child);
    this.gone = this.#watch(warden);
  }

  /** Whether the process keeps this program alive. */
  set isHeld(isHeld: boolean) {
    try {
      if (isHeld) this.#child.ref();
      else this.#child.unref();
    } catch {
      // The process has ended by itself.
    }
    this.#pipes.hold(isHeld);
  }

  /** Sends data to the process. */
  write(parts: readonly Part[]): void {
    for (const part of parts) this.#unwritten.push(part);
    if (!this.#isWriting) this.#pour();
  }

  async #pour(): Promise<void> {
    this.#isWriting = true;
    try {
      while (this.#unwritten.length > 0) {
        const parts = this.#unwritten;
        this.#unwritten = [];
        for (const part of joined(parts)) {
          const bytes = part instanceof Blob ? await part.bytes() : part;
          // Pieces of concurrent writes would mix.
          await this.#pipes.write(bytes);
        }
      }
      this.#isWriting = false;
    } catch {
      // The process has ended or is about to, which its status reports.
      this.#unwritten = [];
    }
  }

  /** Kills the process at once. */
  kill(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Callers wait for the end of the process, so the program must not end first.
    this.isHeld = true;
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // The process has ended by itself.
    }
  }

  async #watch(warden: Warden): Promise<void> {
    const reading = this.#read();
    const { code, signal } = await this.#child.status;
    // Programs that the process has started can keep its output open.
    const timer = setTimeout(() => this.#pipes.close(), LAST_WORDS);
    await reading;
    clearTimeout(timer);
    this.#pipes.close();
    const wasTooLarge = warden.forget(this.#child.pid, signal === "SIGKILL");
    if (this.#isOver) return;
    this.#isOver = true;
    const isOutOfMemory = await wasTooLarge ||
      signal !== "SIGKILL" && NO_MEMORY.test(this.#output.lastText);
    this.#events.ended(
      isOutOfMemory ? outOfMemory() : new Error(this.#obituary(code, signal)),
    );
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const bytes = await this.#pipes.read();
        if (bytes === undefined) return;
        if (!this.#isOver) this.#events.wrote(bytes);
      }
    } catch {
      // Nothing more can be read.
    }
  }

  #obituary(code: number, signal: Deno.Signal | null): string {
    const how = signal === null
      ? `The worker exited with code ${code}: self.close() or Deno.exit()`
      : `The worker's process was ended by ${signal}`;
    const words = this.#output.lastText.trim();
    return words === "" ? how : `${how}: ${words}`;
  }
}

/** Returns a flag with a unique location, because stored data belongs to a location. */
function ownStorage(): string {
  return `--location=http://${crypto.randomUUID()}.invalid`;
}

/** Returns an error like the runtime's error for a thread that is out of memory. */
function outOfMemory(): Error {
  return Object.assign(new Error("The process has reached its limit"), {
    code: "ERR_WORKER_OUT_OF_MEMORY",
  });
}

/**
 * Maximum number of bytes to which short parts are joined. With joined parts, a small
 * job takes 0.85 of main's processor time (8 pairs).
 */
const MOST_JOINED = 32 * 1024;

function joined(parts: Part[]): Part[] {
  if (parts.length === 1) return parts;
  const all: Part[] = [];
  let short: Uint8Array[] = [];
  let length = 0;
  const join = () => {
    if (length > 0) all.push(concat(short));
    short = [];
    length = 0;
  };
  for (const part of parts) {
    const isShort = part instanceof Uint8Array && part.length <= MOST_JOINED;
    if (!isShort || length + part.length > MOST_JOINED) join();
    if (!isShort) all.push(part);
    else {
      short.push(part);
      length += part.length;
    }
  }
  join();
  return all;
}
