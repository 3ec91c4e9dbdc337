// Assertions that a function throws or rejects. Both return the error.
import { stripVTControlCharacters as strip } from "node:util";
import { failWith } from "./assertion_error.ts";

// deno-lint-ignore no-explicit-any
type ErrorType<E extends Error = Error> = abstract new (...args: any[]) => E;
type Expected = [msg?: string] | [ErrorType, includes?: string, msg?: string];

/** Asserts that `fn` throws anything, and returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Asserts that `fn` throws an `ErrorClass`, and returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: ErrorType<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(fn: () => unknown, ...rest: Expected): unknown {
  try {
    fn();
  } catch (error) {
    checkError(error, rest, "thrown");
    return error;
  }
  failWith("Expected function to throw", message(rest));
}

/** Asserts that `fn`'s promise rejects, and resolves to the reason. */
export function assertRejects(
  fn: () => PromiseLike<unknown>,
  msg?: string,
): Promise<unknown>;
/** Asserts that `fn`'s promise rejects with an `ErrorClass`, and resolves to it. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: ErrorType<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  ...rest: Expected
): Promise<unknown> {
  let promise: PromiseLike<unknown> | undefined;
  try {
    promise = fn();
  } catch {
    // Reported below, like any result that is not a promise.
  }
  if (typeof promise?.then !== "function") {
    failWith("Function throws when expected to reject", message(rest));
  }
  try {
    await promise;
  } catch (error) {
    checkError(error, rest, "rejected");
    return error;
  }
  failWith("Expected function to reject", message(rest));
}

function message(rest: Expected): string | undefined {
  return typeof rest[0] === "function" ? rest[2] : rest[0];
}

function checkError(error: unknown, rest: Expected, verb: string) {
  const [ErrorClass, includes = ""] = rest;
  if (typeof ErrorClass !== "function") return;
  if (!(error instanceof Error)) {
    failWith(`A non-Error object was ${verb}`, message(rest));
  }
  const { name } = error.constructor;
  if (!(error instanceof ErrorClass)) {
    const expected = `Expected error to be instance of "${ErrorClass.name}"`;
    failWith(`${expected}, but was "${name}"`, message(rest));
  }
  if (!strip(error.message).includes(strip(includes))) {
    const expected = `Expected error message to include "${includes}"`;
    failWith(`${expected}, but got "${error.message}"`, message(rest));
  }
}
