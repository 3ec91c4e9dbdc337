// Work that keeps a thread busy, and ends by itself so that no test burns for long.

/** Computes for so many ms. */
export function burn(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}

/** Computes for so many ms, though others of its thread could have a turn. */
export async function spin(ms: number): Promise<void> {
  for (const end = performance.now() + ms; performance.now() < end;) await null;
}
