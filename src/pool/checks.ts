// The kinds of values that options may have: each check gives the value back as
// the pool holds it, or says what was expected and what came.

import { expected, outOfRange, written } from "../expected.ts";
import type { KeyName } from "../job/keys.ts";

/** Checks the value of an option. */
export type Check<Value> = (name: string, value: unknown) => Value;

/** The units that people write, in what the options count in. */
const UNITS: Record<"ms" | "MiB" | "", Record<string, number>> = {
  ms: { ms: 1, s: 1e3, sec: 1e3, m: 6e4, min: 6e4, h: 36e5 },
  MiB: { m: 1, mb: 1, mib: 1, g: 1024, gb: 1024, gib: 1024 },
  "": {},
};

/** Whether a value is an object that holds options. */
export function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A number of something, or an integer where nothing is named. */
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

/** The number that a text such as "5 s" stands for, as it is written in options. */
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

/** An option as it is written, such as `queue: { capacity: 16 }`. */
export function asOption(path: string, value: string): string {
  const [option, inner] = path.split(".");
  return `${option}: ${inner ? `{ ${inner}: ${value} }` : value}`;
}

/** One of these texts. */
export function oneOf<Value extends string>(...values: Value[]): Check<Value> {
  const what = values.map(written).join(" or ");
  return (name, value) => {
    if (values.includes(value as Value)) return value as Value;
    throw typeof value === "string"
      ? outOfRange(name, what, value)
      : expected(name, what, value);
  };
}

/** Whatever it is, something else checks it. */
export const anything: Check<unknown> = (_, value) => value;

type Callback = (value: unknown) => void;

/** A value of one of these types. */
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

/** Bounds, each above the one before. */
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

/** An absolute URL, as its text. */
export const absoluteUrl: Check<string> = (name, value) => {
  if (value instanceof URL) return value.href;
  // A drive would pass for the scheme of a URL.
  const isPath = typeof value === "string" && /^[a-z]:/i.test(value);
  if (typeof value === "string" && !isPath && URL.canParse(value)) return value;
  // A name without a dot, such as "marked", is that of a package.
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

/** Flags that are the pool's to give. */
const OWN_FLAGS =
  /^--(allow|deny|ignore)-|^--(permission-set|no-prompt|inspect|watch|env-file)/;

/** Flags of `deno run`. */
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

/** What a worker may do of one kind. */
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
