// Starts Redis for a test, on a free port and without files.
import { assert } from "@std/assert";
import { getAvailablePort } from "@std/net";

const PORTS_TO_TRY = 10;

/** Returns whether the system has Redis. */
export function hasRedis(): boolean {
  try {
    const { success } = new Deno.Command("redis-server", {
      args: ["--version"],
      stdout: "null",
    }).outputSync();
    return success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** A running Redis server. Disposing ends it. */
export class RedisServer implements AsyncDisposable {
  readonly url: string;
  readonly #process: Deno.ChildProcess;
  readonly #output: Promise<void>;

  private constructor(
    port: number,
    process: Deno.ChildProcess,
    output: Promise<void>,
  ) {
    this.url = `redis://127.0.0.1:${port}`;
    this.#process = process;
    this.#output = output;
  }

  static async start(): Promise<RedisServer> {
    let text = "";
    for (let i = 0; i < PORTS_TO_TRY; i++) {
      const port = getAvailablePort(); // another process may take it meanwhile
      const process = new Deno.Command("redis-server", {
        args: ["--port", `${port}`, "--bind", "127.0.0.1", "--save", ""],
        stdin: "null",
        stdout: "piped",
      }).spawn();
      const { promise: ready, resolve } = Promise.withResolvers<boolean>();
      const output = (async () => {
        const lines = process.stdout.pipeThrough(new TextDecoderStream());
        for await (const chunk of lines) {
          text += chunk;
          if (text.includes("Ready to accept connections")) resolve(true);
        }
        resolve(false);
      })();
      if (await ready) return new RedisServer(port, process, output);
      await Promise.all([output, process.status]);
    }
    assert(false, `Expected Redis to start: ${text}`);
  }

  /** Suspends or resumes the server. */
  kill(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#process.kill("SIGKILL");
    await Promise.all([this.#output, this.#process.status]);
  }
}
