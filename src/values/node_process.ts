// Node's `process`, which costs a program 12 ms when it is first used, and so is not
// imported by what every program loads.

type Process = typeof import("node:process");

/** Kept before a job can replace it: its getter, where Deno loads it late. */
const { get, value } = Object.getOwnPropertyDescriptor(globalThis, "process") ??
  {};
const isOwn = get !== undefined ||
  typeof value?.getBuiltinModule === "function";
/** The program may have put something of its own in its place. */
const imported: Process | undefined = isOwn
  ? undefined
  : (await import("node:process")).default;

/** It, loaded by the first call. */
export function nodeProcess(): Process {
  return imported ?? (get ? get.call(globalThis) : value);
}
