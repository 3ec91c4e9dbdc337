// Implements deep equality like `@std/assert`. Unlike in Node, 0 equals -0, a null
// prototype equals a plain one, and inherited getters and error stacks count.
import { isDeepStrictEqual, types } from "node:util";

type Fields = Record<PropertyKey, unknown>;
type Pair = [object, object];

/** Returns whether two values have the same structure and content. */
export function equal(a: unknown, b: unknown, parents: Pair[] = []): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b) || kind(a) !== kind(b)) return false;
  if (parents.some(([x, y]) => x === a && y === b)) return true; // a cycle
  const inner: Pair[] = [...parents, [a, b]];

  if (types.isDate(a) || types.isRegExp(a) || a instanceof URLSearchParams) {
    return isDeepStrictEqual(a, b);
  }
  if (types.isAnyArrayBuffer(a) && types.isAnyArrayBuffer(b)) {
    return equal(new Uint8Array(a), new Uint8Array(b));
  }
  if (types.isTypedArray(a) && types.isTypedArray(b)) {
    return a.length === b.length && a.every((x, i) => equal(x, b[i]));
  }
  if (isCollection(a) && isCollection(b)) return equalEntries(a, b, inner);
  const fields = [...new Set([...keys(a), ...keys(b)])];
  return Object.keys(a).length === Object.keys(b).length && fields.every(
    (key) => key in a && key in b && equal(a[key], b[key], inner),
  );
}

type Collection = Map<unknown, unknown> | Set<unknown>;

/** Compares entries in any order, and keys that are objects by their content. */
function equalEntries(a: Collection, b: Collection, parents: Pair[]): boolean {
  const others = new Map<unknown, unknown>(b.entries());
  function matches([key, value]: [unknown, unknown]): boolean {
    if (others.has(key)) return equal(value, others.get(key), parents);
    if (!isObject(key)) return false;
    return [...others].some((other) => equal([key, value], other, parents));
  }
  return a.size === b.size && [...a.entries()].every(matches);
}

function isCollection(value: object): value is Collection {
  return value instanceof Map || value instanceof Set;
}

function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** Returns the prototype; a null prototype counts as a plain object's. */
function kind(value: object): object {
  return Object.getPrototypeOf(value) ?? Object.prototype;
}

/** Returns a plain value's enumerable keys; of a class instance, also hidden and inherited. */
function keys(value: object): PropertyKey[] {
  const plain: unknown[] = [Object.prototype, Array.prototype, null];
  let proto = Object.getPrototypeOf(value);
  const found = Reflect.ownKeys(plain.includes(proto) ? { ...value } : value);
  for (; !plain.includes(proto); proto = Object.getPrototypeOf(proto)) {
    found.push(...Reflect.ownKeys(proto));
  }
  return found;
}
