// Runs `examples/server.ts` as a process of its own, as its user would.
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../examples/server.ts", import.meta.url));

function spawn(flags: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", SERVER, ...flags],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

/** Runs the server where it is expected to end by itself. */
export async function runServer(
  ...flags: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const process = spawn(flags);
  const tooLong = setTimeout(() => process.kill("SIGKILL"), 20_000);
  const { code, stdout, stderr } = await process.output();
  clearTimeout(tooLong);
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

/** A server that listens on a free port; disposing kills it. */
export class Server implements AsyncDisposable {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly #process: Deno.ChildProcess;
  #port = 0;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    this.stdout = new Output(process.stdout);
    this.stderr = new Output(process.stderr);
  }

  static async start(...flags: string[]): Promise<Server> {
    const server = new Server(spawn(["--port", "0", ...flags]));
    try {
      const [, port] = await server.stdout.match(
        /^Listening on 127\.0\.0\.1:(\d+)$/m,
      );
      server.#port = Number(port);
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw new Error(`The server did not start: ${server.stderr.text}`, {
        cause: error,
      });
    }
  }

  get port(): number {
    return this.#port;
  }

  get status(): Promise<Deno.CommandStatus> {
    return this.#process.status;
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
    await Promise.all([this.status, this.stdout.ended, this.stderr.ended]);
  }
}

/** What a process has printed so far, and a way to wait for more. */
class Output {
  text = "";
  readonly ended: Promise<void>;
  #more = Promise.withResolvers<boolean>();

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.ended = this.#collect(stream);
  }

  /** Waits until the text matches, and returns the match. */
  async match(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.text);
      if (match) return match;
      if (!await this.#more.promise) {
        throw new Error(`Expected ${pattern} before the end of: ${this.text}`);
      }
    }
  }

  async #collect(
    stream: ReadableStream<Uint8Array<ArrayBuffer>>,
  ): Promise<void> {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.text += text;
      this.#more.resolve(true);
      this.#more = Promise.withResolvers();
    }
    this.#more.resolve(false);
  }
}
