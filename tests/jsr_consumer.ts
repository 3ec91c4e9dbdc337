// A program that uses the package as its user would: in a folder of its own,
// with nothing cached, from a registry.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { JsrRegistry } from "./jsr_registry.ts";

const FIXTURE = new URL("./fixtures/jsr_consumer/", import.meta.url);

/** How a run of `deno` ended. */
export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

/** A copy of the program and a cache for it; disposing removes both. */
export class Consumer implements AsyncDisposable {
  /** The folder of the program. */
  readonly dir: string;
  readonly #temp: string;
  readonly #jsrUrl: string;

  private constructor(temp: string, registry: JsrRegistry) {
    this.#temp = temp;
    this.#jsrUrl = registry.url;
    this.dir = join(temp, "program");
  }

  static async copy(registry: JsrRegistry): Promise<Consumer> {
    // Without symbolic links, as permissions are checked.
    const temp = await Deno.realPath(await Deno.makeTempDir());
    const consumer = new Consumer(temp, registry);
    await Deno.mkdir(consumer.dir);
    for await (const { name } of Deno.readDir(FIXTURE)) {
      const source = fileURLToPath(new URL(name, FIXTURE));
      await Deno.copyFile(source, join(consumer.dir, name));
    }
    return consumer;
  }

  /** Makes a file of the program name another version of the package. */
  async pin(file: string, version: string): Promise<void> {
    const path = join(this.dir, file);
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(
      path,
      text.replace(/(thread-pool@)[\^.\d]+/, `$1${version}`),
    );
  }

  /** Runs `deno` in the program's folder, where nobody answers a prompt. */
  async deno(...args: string[]): Promise<Run> {
    const process = new Deno.Command(Deno.execPath(), {
      args: ["--quiet", ...args],
      cwd: this.dir,
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      env: {
        JSR_URL: this.#jsrUrl,
        DENO_DIR: join(this.#temp, "cache"),
        NO_COLOR: "1",
        NO_PROXY: "127.0.0.1",
      },
    }).spawn();
    const hang = setTimeout(() => process.kill("SIGKILL"), 60_000);
    const { code, stdout, stderr } = await process.output();
    clearTimeout(hang);
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#temp, { recursive: true });
  }
}
