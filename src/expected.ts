// Creates the errors for bad input, which say what was expected and what came.

/** Returns the error for a value of the wrong type. `advice` says what to write. */
export function expected(
  name: string,
  what: string,
  value: unknown,
  advice?: string | false,
): TypeError {
  const rest = advice ? `: write ${advice}` : "";
  return new TypeError(
    `Expected \`${name}\` to be ${what}, got ${describe(value)}${rest}`,
  );
}

/** Returns the error for a value of the right type that is out of range. */
export function outOfRange(
  name: string,
  what: string,
  value: unknown,
): RangeError {
  return new RangeError(
    `Expected \`${name}\` to be ${what}, got ${describe(value)}`,
  );
}

/** Describes a value for an error message. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (typeof value === "object" && value !== null) {
    if (Array.isArray(value)) return "an array";
    const { name } = value.constructor ?? Object;
    if (typeof name !== "string" || name === "Object") return "an object";
    return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  }
  return typeof value === "function" ? "a function" : String(value);
}

/** Returns a value as it is written in source, or `…`. */
export function written(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value !== "object") {
    return typeof value === "function" ? "…" : String(value);
  }
  if (Array.isArray(value)) return "[…]";
  return value.constructor === Object ? "{ … }" : "…";
}
