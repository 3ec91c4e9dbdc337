// The error that every failed assertion throws.

/** Thrown when an assertion fails. */
export class AssertionError extends Error {
  override name = "AssertionError";

  /** Makes the error from its message and, optionally, its cause. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
  }
}

/** Throws `message`, then the caller's `msg` if there is one, then `detail`. */
export function failWith(message: string, msg?: string, detail = ""): never {
  throw new AssertionError(message + (msg ? `: ${msg}` : ".") + detail);
}
