// The errors for bad input: what was expected, and what came.

/** The error for a value of the wrong type. */
export function expected(
  name: string,
  what: string,
  value: unknown,
): TypeError {
  return new TypeError(
    `Expected \`${name}\` to be ${what}, got ${describe(value)}`,
  );
}

/** The error for a value of the right type that is out of range. */
export function outOfRange(
  name: string,
  what: string,
  value: unknown,
): RangeError {
  return new RangeError(
    `Expected \`${name}\` to be ${what}, got ${describe(value)}`,
  );
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null) {
    return Array.isArray(value) ? "an array" : "an object";
  }
  return typeof value === "function" ? "a function" : String(value);
}
