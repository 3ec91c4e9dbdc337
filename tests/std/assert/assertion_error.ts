// Defines the error that every failed assertion throws.

/** Thrown when an assertion fails. */
export class AssertionError extends Error {
  override name = "AssertionError";

  /** Creates the error with a message and, optionally, a cause. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Throws an error of `message`, the caller's `msg` if there is one, and `detail`. */
export function failWith(message: string, msg?: string, detail = ""): never {
  throw new AssertionError(message + (msg ? `: ${msg}` : ".") + detail);
}
