// Puts values into another one, where placeholders stand for them.

/** A value with what was revived in place of what stood for it. */
export function replace(
  value: unknown,
  revived: Map<unknown, unknown>,
  seen = new Set<object>(),
): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (revived.has(value)) return revived.get(value);
  if (seen.has(value)) return value;
  seen.add(value);
  const other = (item: unknown) => replace(item, revived, seen);
  if (value instanceof Map) {
    const entries = [...value];
    value.clear();
    for (const [key, item] of entries) value.set(other(key), other(item));
  } else if (value instanceof Set) {
    const items = [...value];
    value.clear();
    for (const item of items) value.add(other(item));
  } else if (
    Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  ) {
    const parts = value as Record<string, unknown>;
    for (const key of Object.keys(parts)) {
      const replaced = other(parts[key]);
      if (replaced !== parts[key]) parts[key] = replaced;
    }
  }
  return value;
}
