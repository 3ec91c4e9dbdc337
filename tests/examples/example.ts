// Runs an example in a separate process, by the command in its header.
import { assert } from "@std/assert";
import { fileURLToPath } from "node:url";

/** The project's folder, in which commands run. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LISTENING = /Listening on http:\/\/127\.0\.0\.1:(\d+)/;
/** Maximum time in ms until an example prints the text that a test waits for. */
const LATE = 30_000;

/** Returns the environment variables and flags in the header of an example. */
async function commandOf(name: string) {
  const text = await Deno.readTextFile(`${ROOT}/examples/${name}`);
  const line = new RegExp(`^//   (.*?)deno run (.+) examples/${name}`, "m");
  const command = line.exec(text);
  assert(
    command,
    `Expected the header of examples/${name} to name its command`,
  );
  const [, variables, flags] = command;
  const env = Object.fromEntries(
    variables.trim().split(" ").filter(Boolean).map((one) => one.split("=")),
  );
  const args = flags.replace("$(which deno)", Deno.execPath()).split(" ");
  return { env, flags: args };
}

/** Parts of a command that a test can set. */
export interface ExampleOptions {
  /** Arguments after the name of the file. */
  args?: string[];
  env?: Record<string, string>;
}

/** Runs a test with a temporary folder, in `dir` or in the system's folder for these. */
export async function withFolder(
  test: (folder: string) => Promise<void>,
  dir?: string,
): Promise<void> {
  const folder = await Deno.makeTempDir({ dir });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A running example. Disposing kills it. */
export class Example implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #outputs: Promise<unknown>;
  #onOutput = () => {};
  /** Text printed to stdout and stderr. */
  output = "";
  /** Port of the example, if it was started as a server. */
  port = 0;

  private constructor(process: Deno.ChildProcess) {
    this.#process = process;
    const { stdout, stderr } = process;
    this.#outputs = Promise.all([this.#collect(stdout), this.#collect(stderr)])
      .then(() => this.#onOutput());
  }

  /** Starts an example. */
  static async start(
    name: string,
    { args = [], env = {} }: ExampleOptions = {},
  ): Promise<Example> {
    const command = await commandOf(name);
    const process = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        ...command.flags,
        `examples/${name}`,
        ...args,
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: { NO_COLOR: "1", ...command.env, ...env },
    }).spawn();
    return new Example(process);
  }

  /** Starts an example that prints the address on which it listens. */
  static async serve(name: string, options?: ExampleOptions): Promise<Example> {
    const example = await Example.start(name, options);
    example.port = Number((await example.match(LISTENING))[1]);
    return example;
  }

  async #collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      this.output += text;
      this.#onOutput();
    }
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Waits until the output matches. */
  async match(pattern: RegExp): Promise<RegExpExecArray> {
    const late = AbortSignal.timeout(LATE);
    for (;;) {
      const match = pattern.exec(this.output);
      if (match) return match;
      assert(!late.aborted, `Expected ${pattern} in: ${this.output}`);
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#onOutput = resolve;
      const timer = setTimeout(resolve, 100);
      await promise;
      clearTimeout(timer);
    }
  }

  kill(signal: Deno.Signal): void {
    this.#process.kill(signal);
  }

  /** Returns the exit code when the example has ended. */
  async code(): Promise<number> {
    const { code } = await this.#process.status;
    await this.#outputs;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // The process has already ended.
    }
    await this.code();
  }
}

/** Runs an example to its end, and returns the lines that it prints. */
export async function runExample(
  name: string,
  options?: ExampleOptions,
): Promise<string[]> {
  await using example = await Example.start(name, options);
  const code = await example.code();
  assert(
    code === 0,
    `Expected examples/${name} to end well: ${example.output}`,
  );
  return example.output.trim().split("\n");
}
