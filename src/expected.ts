// The errors for bad input: what was expected, and what came.

/** The error for a value of the wrong type; the advice says what to write. */
export function expected(
  name: string,
  what: string,
  value: unknown,
  advice?: string,
): TypeError {
  return new TypeError(
    `Expected \`${name}\` to be ${what}, got ${describe(value)}${
      advice === undefined ? "" : `: write ${advice}`
    }`,
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
    if (Array.isArray(value)) return "an array";
    const { name } = value.constructor ?? Object;
    if (typeof name !== "string" || name === "Object") return "an object";
    return `${/^[AEIO]/.test(name) ? "an" : "a"} ${name}`;
  }
  return typeof value === "function" ? "a function" : String(value);
}

/** A value as it is written in source, or `…`. */
export function written(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value);
  if (value === null || typeof value !== "object") {
    return typeof value === "function" ? "…" : String(value);
  }
  if (Array.isArray(value)) return "[…]";
  return value.constructor === Object ? "{ … }" : "…";
}

/** The one of these names that another one most likely means, if there is any. */
export function nearest(
  name: string,
  names: readonly string[],
): string | undefined {
  let best: string | undefined;
  let least = Math.min(3, Math.ceil(name.length / 3) + 1);
  for (const candidate of names) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < least) [best, least] = [candidate, edits];
  }
  return best;
}

/** How many letters differ. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(same, row[j] + 1, next[j - 1] + 1);
    }
    row = next;
  }
  return row[b.length];
}
