// The core of Deno, which is not documented. What is used of it stands in the files
// that use it, each of which looks whether that is there.

/** What this Deno's core has of these members, or nothing. */
export function denoCore<Core>(): Partial<Core> {
  const { Deno } = globalThis as { Deno?: { internal?: symbol } };
  const holder = Deno as Record<symbol, { core?: Partial<Core> } | undefined>;
  return Deno?.internal && holder[Deno.internal]?.core || {};
}
