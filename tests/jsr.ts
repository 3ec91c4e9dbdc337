// The package as its users get it: a local JSR registry with exactly the files that
// `deno publish` would ship, and a program in a separate folder, with nothing cached.
import { hash } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Folder of the package. */
export const ROOT = new URL("..", import.meta.url);
const PROGRAM = new URL("./fixtures/jsr_consumer/", import.meta.url);
const PACKAGE = "/@spindle/thread-pool";

/** Result of running `deno`. */
export interface Run {
  code: number;
  stdout: string;
  stderr: string;
}

async function deno(
  args: string[],
  cwd: URL | string,
  env: Record<string, string> = {},
): Promise<Run> {
  const process = new Deno.Command(Deno.execPath(), {
    args,
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1", ...env },
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

let shipped: Promise<string[]> | undefined;

/** Returns the sorted paths of the files that `deno publish` would ship. */
export function shippedFiles(): Promise<string[]> {
  return shipped ??= (async () => {
    const flags = ["--dry-run", "--allow-dirty", "--no-check"];
    const { code, stdout, stderr } = await deno(["publish", ...flags], ROOT);
    if (code !== 0) throw new Error(`It cannot be published: ${stderr}`);
    return Array.from(
      (stdout + stderr).matchAll(/^ +(file:.+) \([\d.]+[KM]?B\)$/gm),
      ([, url]) => decodeURI(url.slice(ROOT.href.length)),
    ).sort();
  })();
}

/** Returns the modules that the exports reach, with the specifiers that each imports. */
export async function moduleGraph(): Promise<Map<string, string[]>> {
  const graph = new Map<string, string[]>();
  for (const entry of ["mod.ts", "src/worker/mod.ts"]) {
    const { stdout } = await deno(["info", "--json", entry], ROOT);
    for (const { specifier, dependencies = [] } of JSON.parse(stdout).modules) {
      if (!specifier.startsWith(ROOT.href)) continue;
      graph.set(
        decodeURI(specifier.slice(ROOT.href.length)),
        dependencies.map(({ specifier }: { specifier: string }) => specifier),
      );
    }
  }
  return graph;
}

/** Returns the registry's answers by path, with the same files for each version. */
async function filesOf(versions: string[]) {
  const files = new Map<string, string | Uint8Array<ArrayBuffer>>();
  const manifest: Record<string, unknown> = {};
  for (const path of await shippedFiles()) {
    const bytes = await Deno.readFile(new URL(path, ROOT));
    const checksum = `sha256-${hash("sha256", bytes)}`;
    manifest[`/${path}`] = { size: bytes.length, checksum };
    for (const version of versions) {
      files.set(`${PACKAGE}/${version}/${path}`, bytes);
    }
  }
  const config = await Deno.readTextFile(new URL("deno.json", ROOT));
  const { exports } = JSON.parse(config);
  for (const version of versions) {
    const meta = JSON.stringify({ manifest, exports });
    files.set(`${PACKAGE}/${version}_meta.json`, meta);
  }
  const meta = {
    scope: "spindle",
    name: "thread-pool",
    latest: versions.at(-1),
    versions: Object.fromEntries(versions.map((version) => [version, {}])),
  };
  return files.set(`${PACKAGE}/meta.json`, JSON.stringify(meta));
}

/** A copy of the program with a separate cache, and the registry that it uses. */
export class Consumer implements AsyncDisposable {
  /** Paths that were requested from the registry. */
  readonly requests: string[] = [];
  readonly #temp: string;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(
    temp: string,
    files: Awaited<ReturnType<typeof filesOf>>,
  ) {
    this.#temp = temp;
    const onListen = () => {};
    const options = { hostname: "127.0.0.1", port: 0, onListen };
    this.#server = Deno.serve(options, (request) => {
      const path = new URL(request.url).pathname;
      this.requests.push(path);
      const type = path.endsWith(".ts")
        ? "text/typescript"
        : "application/json";
      const headers = { "content-type": type };
      return files.has(path)
        ? new Response(files.get(path), { headers })
        : new Response("Not found", { status: 404 });
    });
  }

  /** Returns a consumer of a registry that has these versions. */
  static async of(...versions: string[]): Promise<Consumer> {
    const files = await filesOf(versions);
    // Permissions are checked without symbolic links.
    const temp = await Deno.realPath(await Deno.makeTempDir());
    const consumer = new Consumer(temp, files);
    await Deno.mkdir(consumer.dir);
    for await (const { name } of Deno.readDir(PROGRAM)) {
      const source = fileURLToPath(new URL(name, PROGRAM));
      await Deno.copyFile(source, join(consumer.dir, name));
    }
    return consumer;
  }

  /** Folder of the program. */
  get dir(): string {
    return join(this.#temp, "program");
  }

  /** Changes the version of the package in a file of the program. */
  async pin(file: string, version: string): Promise<void> {
    const path = join(this.dir, file);
    const text = await Deno.readTextFile(path);
    const pinned = text.replace(/(thread-pool@)[\^.\d]+/, `$1${version}`);
    await Deno.writeTextFile(path, pinned);
  }

  /** Runs `deno` in the program's folder, without answering prompts. */
  deno(...args: string[]): Promise<Run> {
    return deno(["--quiet", ...args], this.dir, {
      JSR_URL: `http://127.0.0.1:${this.#server.addr.port}/`,
      DENO_DIR: join(this.#temp, "cache"),
      NO_PROXY: "127.0.0.1",
    });
  }

  /** Shuts down the registry. */
  async disconnect(): Promise<void> {
    await this.#server.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    await Deno.remove(this.#temp, { recursive: true });
  }
}
