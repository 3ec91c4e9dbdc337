// A JSR registry on loopback that holds this package only, made of exactly the
// files that `deno publish` would ship.
import { hash } from "node:crypto";
import { dryRunPublish, ROOT } from "./jsr_published_files.ts";

type Files = Map<string, Uint8Array<ArrayBuffer>>;

const PACKAGE = "/@spindle/thread-pool";

/** The registry, which listens until it is disposed of. */
export class JsrRegistry implements AsyncDisposable {
  /** What `JSR_URL` is to be. */
  readonly url: string;
  /** The paths that were asked for. */
  readonly requests: string[] = [];
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(files: Files) {
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      (request) => {
        const path = new URL(request.url).pathname;
        this.requests.push(path);
        return respond(files, path);
      },
    );
    this.url = `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** Publishes the same files as each of these versions, the last the latest. */
  static async start(...versions: string[]): Promise<JsrRegistry> {
    const shipped = await readShipped();
    const { exports } = JSON.parse(text(shipped.get("deno.json")!));
    const manifest = Object.fromEntries(
      Array.from(shipped, ([path, bytes]) => [`/${path}`, {
        size: bytes.length,
        checksum: `sha256-${hash("sha256", bytes)}`,
      }]),
    );
    const files: Files = new Map();
    for (const version of versions) {
      files.set(`${PACKAGE}/${version}_meta.json`, json({ manifest, exports }));
      for (const [path, bytes] of shipped) {
        files.set(`${PACKAGE}/${version}/${path}`, bytes);
      }
    }
    const meta = {
      scope: "spindle",
      name: "thread-pool",
      latest: versions.at(-1),
      versions: Object.fromEntries(versions.map((version) => [version, {}])),
    };
    files.set(`${PACKAGE}/meta.json`, json(meta));
    return new JsrRegistry(files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

/** The files that would ship, by their paths in the package. */
async function readShipped(): Promise<Files> {
  const { success, output, files } = await dryRunPublish("--no-check");
  if (!success) throw new Error(`The package cannot be published: ${output}`);
  const shipped: Files = new Map();
  for (const path of files) {
    shipped.set(path, await Deno.readFile(new URL(path, ROOT)));
  }
  return shipped;
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

function json(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function respond(files: Files, path: string): Response {
  const type = path.endsWith(".ts") ? "text/typescript" : "application/json";
  return files.has(path)
    ? new Response(files.get(path), { headers: { "content-type": type } })
    : new Response("Not found", { status: 404 });
}
