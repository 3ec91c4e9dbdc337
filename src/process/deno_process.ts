// One process that runs Deno: its start, what goes in and what comes out, and its
// end.

import { clearTimeout, setTimeout } from "node:timers";
import { concat } from "../flow/bytes.ts";
import type { Output } from "./output.ts";
import { type Pipes, pipesOf } from "./pipes.ts";
import { runDeno } from "./run_deno.ts";
import type { Warden } from "./warden.ts";

/** What it can be sent: the bytes of a blob are read when it is their turn. */
export type Part = Uint8Array | Blob;

/** What a process tells. */
export interface DenoProcessEvents {
  /** It has written to its standard error; the bytes are there for as long as the call takes. */
  wrote(bytes: Uint8Array): void;
  /** It has ended, unasked, and has written nothing more. */
  ended(cause: Error): void;
}

/** What it takes to start one. */
export interface DenoCommand {
  /** Flags of `deno run`, and its main module. */
  flags: string[];
  /**
   * Whether it may see what the program keeps, such as its `localStorage`: that
   * asks for no permission.
   */
  sharesStorage: boolean;
  /** Where it works; without it, where the program does. */
  cwd: string | undefined;
  /** Its whole environment; without it, it is the program's. */
  env: Record<string, string> | undefined;
  /** MiB of memory, beyond what it begins with, that end it. */
  memoryLimit: number | undefined;
}

/** Milliseconds for which a process that has ended, and whatever it started, may still write. */
const LAST_WORDS = 100;
/** What V8, or the runtime, writes when there is no more memory. */
const NO_MEMORY = /out of memory|memory allocation of \d+ bytes failed/i;

/** A process. */
export class DenoProcess {
  readonly #child: Deno.ChildProcess;
  readonly #pipes: Pipes;
  readonly #output: Output;
  readonly #events: DenoProcessEvents;
  /** What is still to be written. */
  #unwritten: Part[] = [];
  #isWriting = false;
  #isOver = false;
  /** Resolves when it has ended, and nothing of it is left here. */
  readonly gone: Promise<void>;

  /** @throws If it cannot be started */
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
      // Before it is sent anything: then it does not outlive this program.
      warden.watch(this.#child.pid, memoryLimit);
    } catch (cause) {
      this.#child.kill("SIGKILL");
      throw cause;
    }
    this.#pipes = pipesOf(this.#child);
    this.gone = this.#watch(warden);
  }

  /** Lets this program end, or not, while the process runs. */
  set isHeld(isHeld: boolean) {
    try {
      if (isHeld) this.#child.ref();
      else this.#child.unref();
    } catch {
      // It has ended by itself.
    }
    this.#pipes.hold(isHeld);
  }

  /** Sends it bytes. */
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
          // Several at once would be written in pieces that mix.
          await this.#pipes.write(bytes);
        }
      }
      this.#isWriting = false;
    } catch {
      // It has ended, or is about to: of that its status tells.
      this.#unwritten = [];
    }
  }

  /** Ends it now, whatever it does. */
  kill(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Until it has ended, those who wait for its end must not.
    this.isHeld = true;
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  async #watch(warden: Warden): Promise<void> {
    const reading = this.#read();
    const { code, signal } = await this.#child.status;
    // What it has started may hold its output open.
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

/** What is stored belongs to a location: nobody else has got this one. */
function ownStorage(): string {
  return `--location=http://${crypto.randomUUID()}.invalid`;
}

/** The error for that, like the one that the runtime has for a thread. */
function outOfMemory(): Error {
  return Object.assign(new Error("The process has reached its limit"), {
    code: "ERR_WORKER_OUT_OF_MEMORY",
  });
}

/**
 * The most bytes to which shorter parts are joined: a small job takes 0.85 of main's
 * processor time so (8 pairs).
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
