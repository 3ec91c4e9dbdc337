// Gives an error that a job has thrown a message that says more.

/** Changes the message of an error, in its stack as well. */
export function reword(error: Error, message: string): void {
  const { stack } = error;
  const head = `${error.name}: ${error.message}`;
  error.message = message;
  if (typeof stack === "string" && stack.startsWith(head)) {
    error.stack = `${error.name}: ${message}${stack.slice(head.length)}`;
  }
}

/** Adds to the message of an error what lies behind it. */
export function addToMessage(error: Error, more: string): void {
  const { message } = error;
  const isSentence = message.endsWith(".");
  reword(error, (isSentence ? message.slice(0, -1) : message) + more);
}
