// Gives an error that a job has thrown a message that says more.

import { endsWith, sliceText, startsWith } from "./intrinsics.ts";

/** Changes the message of an error, in its stack as well. */
export function reword(error: Error, message: string): void {
  const { stack } = error;
  const head = `${error.name}: ${error.message}`;
  error.message = message;
  if (typeof stack === "string" && startsWith(stack, head)) {
    error.stack = `${error.name}: ${message}${sliceText(stack, head.length)}`;
  }
}

/** Adds to the message of an error what lies behind it. */
export function addToMessage(error: Error, more: string): void {
  const { message } = error;
  const isSentence = endsWith(message, ".");
  reword(error, (isSentence ? sliceText(message, 0, -1) : message) + more);
}
