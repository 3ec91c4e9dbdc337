// What kind of object a value says it is.

/** The tag of a value, such as `"Map"`. */
export function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}
