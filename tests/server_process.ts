// Runs a web server of the examples as a process of its own, as its user would.
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const LISTENING = /^Listening on (?:http:\/\/)?127\.0\.0\.1:(\d+)\/?$/m;
const SERVER = ["-A", "examples/server.ts"];

function spawn(args: string[]): Deno.ChildProcess {
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...args],
    cwd: ROOT,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

/** Runs `examples/server.ts` where it is expected to end by itself. */
export async function runServer(
  ...flags: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const process = spawn([...SERVER, ...flags]);
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

  /** Starts `examples/server.ts`. */
  static start(...flags: string[]): Promise<Server> {
    return Server.run(...SERVER, "--port", "0", ...flags);
  }

  /** Starts what `deno run` with these arguments is to start. */
  static async run(...args: string[]): Promise<Server> {
    const server = new Server(spawn(args));
    try {
      const [, port] = await Promise.any([
        server.stdout.match(LISTENING),
        server.stderr.match(LISTENING), // here says so `Deno.serve`
      ]);
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

/** Whether curl is installed. */
export async function hasCurl(): Promise<boolean> {
  try {
    return (await new Deno.Command("curl", { args: ["-V"] }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
