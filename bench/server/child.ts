// A measured process: started with its setting, asked over its pipes, and stopped for certain.
import { fileURLToPath } from "node:url";
import { lines } from "./lines.ts";

/** A process that runs a module of this folder. */
export class Child<Ready> implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #lines: AsyncGenerator<string, void>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  #ready: Ready | undefined;

  private constructor(module: string, setting: unknown) {
    const path = fileURLToPath(new URL(module, import.meta.url));
    this.#process = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", path, JSON.stringify(setting)],
      env: { NO_COLOR: "1" },
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = lines(this.#process.stdout);
    this.#input = this.#process.stdin.getWriter();
  }

  /** Starts a process and waits for what it says first. */
  static async start<Ready>(
    module: string,
    setting: unknown,
    seconds = 20,
  ): Promise<Child<Ready>> {
    const child = new Child<Ready>(module, setting);
    try {
      child.#ready = await child.#answer(seconds) as Ready;
      return child;
    } catch (error) {
      await child[Symbol.asyncDispose]();
      throw new Error(`${module}: ${error}`, { cause: error });
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** What it said first. */
  get ready(): Ready {
    return this.#ready!;
  }

  /** Asks for its status. */
  async ask<Status>(): Promise<Status> {
    await this.#input.write(new TextEncoder().encode("\n"));
    return await this.#answer(10) as Status;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // It ends with its input; one that hangs does not.
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), 1_000);
    await this.#input.close().catch(() => {/* It has ended already. */});
    await this.#process.status;
    clearTimeout(timer);
    await this.#lines.return();
  }

  /** The next line; a process that is late with it is killed. */
  async #answer(seconds: number): Promise<unknown> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#process.kill("SIGKILL");
    }, seconds * 1000);
    const { value, done } = await this.#lines.next();
    clearTimeout(timer);
    if (!done) return JSON.parse(value);
    throw new Error(late ? `hangs (> ${seconds} s)` : "ended without a word");
  }
}
