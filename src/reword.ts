// Gives an error that a job has thrown a message that says more.

import { sliceText, startsWith } from "./intrinsics.ts";

/** Changes the message of an error, in its stack as well. */
export function reword(error: Error, message: string): void {
  const { stack } = error;
  const head = `${error.name}: ${error.message}`;
  error.message = message;
  if (typeof stack === "string" && startsWith(stack, head)) {
    error.stack = `${error.name}: ${message}${sliceText(stack, head.length)}`;
  }
}
