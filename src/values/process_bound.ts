// What belongs to one process, and can be cloned for a thread, but not for another
// process.

import { classNameOf } from "./names.ts";

/** Whether this is a worker that is a process. */
export const guest = { isProcess: false };

/** Why such a value cannot go to a process, or come from one, if that is so. */
export function whyCannotCross(value: object): string | undefined {
  switch (classNameOf(value)) {
    case "SharedArrayBuffer":
      return "is shared memory, which a process cannot share";
    case "WebAssembly.Memory":
      return "is memory of WebAssembly, which a process cannot share";
    case "WebAssembly.Module":
    case "CryptoKey":
    // Of node:crypto.
    case "KeyObject":
    case "MessagePort":
      return "cannot go to, or come from, another process";
    default:
      return undefined;
  }
}
