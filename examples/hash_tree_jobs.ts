// The job of examples/hash_tree.ts: hashes a file of any size in constant memory.
import { createHash } from "node:crypto";

/** Each worker has its own buffer. */
const buffer = new Uint8Array(256 * 1024);

/** Returns the SHA-256 of a file. Blocking is fine: a worker runs one job at a time. */
export function sha256(path: string): string {
  using file = Deno.openSync(path);
  const hash = createHash("sha256");
  for (let length; (length = file.readSync(buffer)) !== null;) {
    hash.update(buffer.subarray(0, length));
  }
  return hash.digest("hex");
}
