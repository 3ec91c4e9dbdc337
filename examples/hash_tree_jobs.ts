// The job of examples/hash_tree.ts: it hashes a file, however large, in flat memory.
import { createHash } from "node:crypto";

/** Every worker has its own. */
const buffer = new Uint8Array(256 * 1024);

/** The SHA-256 of a file. That it blocks its thread is fine: the thread has nothing else to do. */
export function sha256(path: string): string {
  using file = Deno.openSync(path);
  const hash = createHash("sha256");
  for (let length; (length = file.readSync(buffer)) !== null;) {
    hash.update(buffer.subarray(0, length));
  }
  return hash.digest("hex");
}
