// Changes the messages of errors from jobs and modules, to make them clearer.

/** Changes the message of an error, also in its stack. */
export function reword(error: Error, message: string): void {
  const { stack } = error;
  const head = `${error.name}: ${error.message}`;
  error.message = message;
  if (typeof stack === "string" && stack.startsWith(head)) {
    error.stack = `${error.name}: ${message}${stack.slice(head.length)}`;
  }
}

/** Adds an explanation to the message of an error. */
export function addToMessage(error: Error, more: string): void {
  const { message } = error;
  const isSentence = message.endsWith(".");
  reword(error, (isSentence ? message.slice(0, -1) : message) + more);
}
