// Runs an example as a process of its own, by the command that its header names.
import { assert } from "@std/assert";
import { fileURLToPath } from "node:url";

/** The project's folder, in which the commands are run. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const LISTENING = /Listening on http:\/\/127\.0\.0\.1:(\d+)/;
/** How many ms an example may take to print what a test waits for. */
const LATE = 30_000;

/** The variables and the flags with which the header of an example has it run. */
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

/** What a test may change of a command. */
export interface ExampleOptions {
  /** What follows the name of the file. */
  args?: string[];
  env?: Record<string, string>;
}

/** Runs a test with a folder of its own, in this one or where the system has such. */
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

/** An example that is running; disposing kills it. */
export class Example implements AsyncDisposable {
  readonly #process: Deno.ChildProcess;
  readonly #outputs: Promise<unknown>;
  #onOutput = () => {};
  /** What it has printed, on both outputs. */
  output = "";
  /** The port at which it listens, if it was started as a server. */
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

  /** Starts an example that prints where it listens. */
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

  /** Waits until what it prints matches. */
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

  /** Its exit code, once it has ended by itself. */
  async code(): Promise<number> {
    const { code } = await this.#process.status;
    await this.#outputs;
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#process.kill("SIGKILL");
    } catch {
      // It has ended already.
    }
    await this.code();
  }
}

/** Runs an example to its end, and gives the lines that it prints. */
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
