// Finds values that belong to one process: threads can clone or move them, but they
// cannot go to another process.

import { classNameOf } from "./names.ts";

/** Whether this worker is a process. */
export const guest = { isProcess: false };

/** Returns why a value cannot go to or come from a process, if it cannot. */
export function whyCannotCross(value: object): string | undefined {
  switch (classNameOf(value)) {
    case "SharedArrayBuffer":
      return "is shared memory, which a process cannot share";
    case "WebAssembly.Memory":
      return "is memory of WebAssembly, which a process cannot share";
    case "WebAssembly.Module":
    case "CryptoKey":
    // From node:crypto.
    case "KeyObject":
    case "MessagePort":
      return "cannot go to, or come from, another process";
    default:
      return undefined;
  }
}
