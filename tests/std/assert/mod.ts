// A local stand-in for the parts of `jsr:@std/assert` that the tests use.
import { AssertionError as Difference } from "node:assert/strict";
import { inspect } from "node:util";
import { AssertionError, failWith } from "./assertion_error.ts";
import { equal } from "./equal.ts";

export { AssertionError };
export { assertRejects, assertThrows } from "./throws.ts";

/** Values that {@linkcode assertFalse} accepts. */
export type Falsy = false | 0 | 0n | "" | null | undefined;

/** Asserts that `expr` is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Asserts that `expr` is falsy. */
export function assertFalse(expr: unknown, msg = ""): asserts expr is Falsy {
  if (expr) throw new AssertionError(msg);
}

/** Asserts that two values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string) {
  if (equal(actual, expected)) return;
  failDifferent("Values are not equal", actual, expected, msg);
}

/** Asserts that two values are not deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string) {
  if (!equal(actual, expected)) return;
  const [a, b] = [inspect(actual), inspect(expected)];
  failWith(`Expected actual: ${a} not to be: ${b}`, msg);
}

/** Asserts that two values are the same, by `Object.is`. */
export function assertStrictEquals<T>(
  actual: unknown,
  expected: T,
  msg?: string,
): asserts actual is T {
  if (Object.is(actual, expected)) return;
  const same = inspect(actual) === inspect(expected);
  const what = same
    ? "Values have the same structure but are not reference-equal"
    : "Values are not strictly equal";
  failDifferent(what, actual, expected, msg);
}

/** Asserts that two values are not the same, by `Object.is`. */
export function assertNotStrictEquals<T>(actual: T, expected: T, msg?: string) {
  if (!Object.is(actual, expected)) return;
  const value = inspect(actual);
  failWith(`Expected "actual" to not be strictly equal to: ${value}`, msg);
}

/** Asserts that a value is an instance of a class. */
export function assertInstanceOf<
  // deno-lint-ignore no-explicit-any
  T extends abstract new (...args: any[]) => any,
>(
  actual: unknown,
  expectedType: T,
  msg = "",
): asserts actual is InstanceType<T> {
  if (actual instanceof expectedType) return;
  const wanted = `Expected object to be an instance of "${expectedType.name}"`;
  const was = (actual as object | null)?.constructor?.name ?? inspect(actual);
  failWith(`${wanted} but was "${was}"`, msg);
}

/** Asserts that a string contains another. */
export function assertStringIncludes(
  actual: string,
  expected: string,
  msg?: string,
) {
  if (actual.includes(expected)) return;
  failWith(`Expected actual: "${actual}" to contain: "${expected}"`, msg);
}

/** Asserts that a string matches a regular expression. */
export function assertMatch(actual: string, expected: RegExp, msg?: string) {
  if (expected.test(actual)) return;
  failWith(`Expected actual: "${actual}" to match: "${expected}"`, msg);
}

/** Asserts that `actual` is greater than `expected`. */
export function assertGreater<T>(actual: T, expected: T, msg?: string) {
  if (!(actual > expected)) failOrder(actual, ">", expected, msg);
}

/** Asserts that `actual` is greater than `expected` or equal to it. */
export function assertGreaterOrEqual<T>(actual: T, expected: T, msg?: string) {
  if (!(actual >= expected)) failOrder(actual, ">=", expected, msg);
}

/** Asserts that `actual` is less than `expected`. */
export function assertLess<T>(actual: T, expected: T, msg?: string) {
  if (!(actual < expected)) failOrder(actual, "<", expected, msg);
}

/** Asserts that `actual` is less than `expected` or equal to it. */
export function assertLessOrEqual<T>(actual: T, expected: T, msg?: string) {
  if (!(actual <= expected)) failOrder(actual, "<=", expected, msg);
}

/** Fails with the lines in which the values differ, in Node's format. */
function failDifferent(
  what: string,
  actual: unknown,
  expected: unknown,
  msg?: string,
): never {
  const operator = "deepStrictEqual";
  const { message } = new Difference({ actual, expected, operator });
  failWith(what, msg, message.slice(message.indexOf("\n")));
}

function failOrder(a: unknown, sign: string, b: unknown, msg?: string): never {
  throw new AssertionError(msg ?? `Expect ${inspect(a)} ${sign} ${inspect(b)}`);
}
