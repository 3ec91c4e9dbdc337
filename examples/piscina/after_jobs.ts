// The jobs of after.ts.
import { createHash } from "node:crypto";
import { transfer } from "@spindle/thread-pool/worker";

export function hash(word: string): string {
  return createHash("md5").update(word).digest("hex").slice(0, 8);
}

export function invert(pixels: Uint8Array): Uint8Array {
  return transfer(pixels.map((value) => 255 - value));
}

export function loop(): void {
  while (true);
}
