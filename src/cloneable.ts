// What `postMessage` can clone, what it can only move, and what it cannot send.

/** Values that `postMessage` refuses or silently turns into `{}`. */
const NOT_CLONEABLE = new Set([
  "AbortController",
  "AbortSignal",
  "AsyncGenerator",
  "FormData",
  "Generator",
  "Headers",
  "ImageBitmap",
  "ImageData",
  "Promise",
  "Request",
  "Response",
  "URL",
  "URLSearchParams",
  "WeakMap",
  "WeakRef",
  "WeakSet",
]);

/** Whether all of a list are primitives that need no look at all. */
export function arePrimitives(values: readonly unknown[]): boolean {
  for (let i = 0; i < values.length; i++) {
    if (!isPrimitive(values[i])) return false;
  }
  return true;
}

/** Whether a value is a primitive that can be sent. */
export function isPrimitive(value: unknown): boolean {
  switch (typeof value) {
    case "object":
      return value === null;
    case "function":
    case "symbol":
      return false;
    default:
      return true;
  }
}

/** Whether `postMessage` throws at an object, or silently sends `{}` for it. */
export function isNotCloneable(value: object): boolean {
  const tag = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag];
  return typeof tag === "string" &&
    (NOT_CLONEABLE.has(tag) || tag.startsWith("Temporal."));
}

/** Whether a value can be moved, but not cloned. */
export function isMoveOnly(value: unknown): value is Transferable {
  return value instanceof MessagePort || value instanceof ReadableStream ||
    value instanceof WritableStream || value instanceof TransformStream;
}

/** Deno's connection classes are not exposed, so a connection is known by what it can do. */
export function isConnection(value: object): value is Deno.Conn {
  const conn = value as Partial<Deno.Conn>;
  return typeof conn.read === "function" && typeof conn.write === "function" &&
    typeof conn.closeWrite === "function" && "remoteAddr" in conn;
}

/** What error messages call a value. */
export function nameOf(value: unknown): string {
  switch (typeof value) {
    case "function":
      return value.name ? `function ${value.name}` : "a function";
    case "symbol":
      return String(value);
    default:
      return Object.prototype.toString.call(value).slice(8, -1);
  }
}
