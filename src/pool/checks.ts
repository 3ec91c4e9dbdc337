// Checks for the values of options: each check returns the value as the pool
// stores it, or throws an error with the expected and the actual value.

import { expected, outOfRange, written } from "../expected.ts";
import type { KeyName } from "../job/keys.ts";

/** Checks the value of an option. */
export type Check<Value> = (name: string, value: unknown) => Value;

/** Units that people write, each as a multiple of the option's unit. */
const UNITS: Record<"ms" | "MiB" | "", Record<string, number>> = {
  ms: { ms: 1, s: 1e3, sec: 1e3, m: 6e4, min: 6e4, h: 36e5 },
  MiB: { m: 1, mb: 1, mib: 1, g: 1024, gb: 1024, gib: 1024 },
  "": {},
};

/** Returns whether a value can be an object of options. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Returns a check for a number of this unit, or for an integer without a unit. */
export function number({ of = "", above = -1, least = 0, most, orInfinity }: {
  of?: keyof typeof UNITS;
  above?: number;
  least?: number;
  most?: number;
  orInfinity?: boolean;
}): Check<number> {
  const type = of ? `a number of ${of}` : "a number";
  const from = above < 0 ? `of at least ${least}` : `above ${above}`;
  const to = most === undefined ? "" : ` and at most ${most}`;
  const or = orInfinity ? ", or Infinity" : "";
  const what = `${of ? type : "an integer"} ${from}${to}${or}`;
  return (name, value) => {
    if (typeof value !== "number") {
      throw expected(name, type, value, asNumber(name, value, UNITS[of]));
    }
    const isInRange = value > above && value >= least &&
      value <= (most ?? Number.MAX_VALUE) &&
      (of !== "" || Number.isSafeInteger(value));
    if (isInRange || orInfinity && value === Infinity) return value;
    throw outOfRange(name, what, value);
  };
}

/** Returns the option that a text such as "5 s" means, or `false` if it means none. */
function asNumber(
  name: string,
  value: unknown,
  units: Record<string, number>,
): string | false {
  const match = typeof value === "string" &&
    /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(value);
  if (!match) return false;
  const unit = match[2].toLowerCase();
  const factor = unit === "" ? 1 : Object.hasOwn(units, unit) && units[unit];
  return !!factor && asOption(name, String(Number(match[1]) * factor));
}

/** Returns an option as users write it, such as `queue: { capacity: 16 }`. */
export function asOption(path: string, value: string): string {
  const [option, inner] = path.split(".");
  return `${option}: ${inner ? `{ ${inner}: ${value} }` : value}`;
}

/** Returns a check for one of these strings. */
export function oneOf<Value extends string>(...values: Value[]): Check<Value> {
  const what = values.map(written).join(" or ");
  return (name, value) => {
    if (values.includes(value as Value)) return value as Value;
    throw typeof value === "string"
      ? outOfRange(name, what, value)
      : expected(name, what, value);
  };
}

/** Check that accepts any value, because other code checks it. */
export const anything: Check<unknown> = (_, value) => value;

type Callback = (value: unknown) => void;

/** Returns a check for a value of one of these types. */
function ofType<Value>(what: string, ...types: string[]): Check<Value> {
  return (name, value) => {
    if (types.includes(typeof value)) return value as Value;
    throw expected(name, what, value);
  };
}

export const boolean = ofType<boolean>("a boolean", "boolean");
export const string = ofType<string>("a string", "string");
export const key = ofType<KeyName>("a string or a number", "string", "number");
export const callback = ofType<Callback>("a function", "function");

export const signal: Check<AbortSignal> = (name, value) => {
  if (value instanceof AbortSignal) return value;
  const isController = value instanceof AbortController;
  const advice = isController && `${name}: controller.signal`;
  throw expected(name, "an AbortSignal", value, advice);
};

export const transferables: Check<readonly Transferable[]> = (name, value) => {
  if (Array.isArray(value)) return value;
  const isOne = typeof value === "object" && value !== null;
  throw expected(name, "an array", value, isOne && `${name}: [value]`);
};

/** Check for bounds in ascending order; returns a copy. */
export const ascending: Check<readonly number[]> = (name, value) => {
  if (!Array.isArray(value)) throw expected(name, "an array", value);
  let last = 0;
  for (const bound of value) {
    if (typeof bound !== "number") {
      throw expected(name, "an array of numbers", bound);
    }
    const isInRange = bound > last && bound < Infinity;
    if (!isInRange) {
      throw outOfRange(name, "finite, above 0 and ascending", bound);
    }
    last = bound;
  }
  return [...value];
};

/** Check for an absolute URL; returns its text. */
export const absoluteUrl: Check<string> = (name, value) => {
  if (value instanceof URL) return value.href;
  // The drive of a path would be parsed as the scheme of a URL.
  const isPath = typeof value === "string" && /^[a-z]:/i.test(value);
  if (typeof value === "string" && !isPath && URL.canParse(value)) return value;
  // A name without a dot, such as "marked", is the name of a package.
  const isName = typeof value === "string" && /^@?[\w/-]+$/.test(value);
  let advice = typeof value === "string" &&
    (isName
      ? `import.meta.resolve(${written(value)})`
      : `new URL(${written(value)}, import.meta.url)`);
  if (isPath) {
    const url = new URL("file:");
    url.pathname = value.replaceAll("\\", "/");
    advice = `a file: URL, ${written(url.href)}`;
  }
  throw expected(name, "an absolute URL", value, advice);
};

/** Flags that only the pool sets. */
const OWN_FLAGS =
  /^--(allow|deny|ignore)-|^--(permission-set|no-prompt|inspect|watch|env-file)/;

/** Check for flags of `deno run`. */
export const flags: Check<readonly string[]> = (name, value) => {
  if (!Array.isArray(value)) throw expected(name, "an array", value);
  for (const flag of value) {
    if (typeof flag !== "string" || !/^--./.test(flag)) {
      throw expected(name, 'flags such as "--name" or "--name=value"', flag);
    }
    if (OWN_FLAGS.test(flag)) {
      throw new TypeError(
        `Option \`${name}\` holds "${flag}": what a worker may do is the pool's to say, see \`permissions\``,
      );
    }
  }
  return [...value];
};

type Grant = boolean | "inherit" | string[];

/** Check for the permissions of one kind. */
export const grant: Check<Grant> = (name, value) => {
  if (typeof value === "boolean" || value === "inherit") return value;
  const isItem = (item: unknown) =>
    typeof item === "string" || item instanceof URL;
  if (Array.isArray(value) && value.every(isItem)) {
    return [...value as string[]];
  }
  const what = 'a boolean, "inherit" or an array of strings';
  const advice = asOption(name, `[${written(value)}]`);
  throw expected(name, what, value, typeof value === "string" && advice);
};
