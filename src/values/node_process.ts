// Node's `process`, which costs a program 12 ms when it is first used, and so is not
// imported by what every program loads.

/** It, as the thread has it now. */
export function nodeProcess(): typeof import("node:process") {
  const { process } = globalThis as unknown as {
    process: typeof import("node:process");
  };
  return process;
}
