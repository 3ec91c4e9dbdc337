// Gives access to Node's `process`. Its first use costs 12 ms, so files that every
// program loads do not import it.

type Process = typeof import("node:process");

/** `process`, saved before a job can replace it; a getter if Deno loads it late. */
const { get, value } = Object.getOwnPropertyDescriptor(globalThis, "process") ??
  {};
const isOwn = get !== undefined ||
  typeof value?.getBuiltinModule === "function";
/** Set only if the program has replaced the global `process`. */
const imported: Process | undefined = isOwn
  ? undefined
  : (await import("node:process")).default;

/** Returns Node's `process`; the first call loads it. */
export function nodeProcess(): Process {
  return imported ?? (get ? get.call(globalThis) : value);
}
