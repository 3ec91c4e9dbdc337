// Access to Deno's core, which is not documented. Each file that uses it declares the
// members it needs, and checks that they exist.

/** Returns Deno's core, or an empty object; any of its members can be missing. */
export function denoCore<Core>(): Partial<Core> {
  const { Deno } = globalThis as { Deno?: { internal?: symbol } };
  const holder = Deno as Record<symbol, { core?: Partial<Core> } | undefined>;
  return Deno?.internal && holder[Deno.internal]?.core || {};
}
