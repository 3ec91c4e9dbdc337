// What a clone can be made of, but not in another process.

import { kindOf } from "../moving/kind_of.ts";
import { classNameOf } from "../values/names.ts";

/** Why an argument cannot go to a process, if that is so. */
export function whyStaysHere(value: object): string | undefined {
  return kindOf(value) === "connection"
    ? "is a connection, which cannot move to a process"
    : whyCannotCross(value);
}

/** Why such a value cannot go to a process, or come from one, if that is so. */
export function whyCannotCross(value: object): string | undefined {
  switch (classNameOf(value)) {
    case "SharedArrayBuffer":
      return "is shared memory, which a process cannot share";
    case "WebAssembly.Memory":
      return "is memory of WebAssembly, which a process cannot share";
    case "WebAssembly.Module":
    case "CryptoKey":
    case "MessagePort":
      return "cannot go to, or come from, another process";
    default:
      return undefined;
  }
}
