// Work that keeps a thread busy until its test opens a gate, and ends by itself so
// that no test burns for ever.
import { isOpen } from "./gate.ts";

const LONGEST = 15_000;

/** Computes until the gate is open. */
export function burn(key: SharedArrayBuffer): void {
  for (const end = performance.now() + LONGEST; !isOpen(key);) {
    if (performance.now() > end) return;
  }
}

/** Computes until then, though others of its thread could have a turn. */
export async function spin(key: SharedArrayBuffer): Promise<void> {
  for (const end = performance.now() + LONGEST; !isOpen(key);) {
    if (performance.now() > end) return;
    await null;
  }
}
