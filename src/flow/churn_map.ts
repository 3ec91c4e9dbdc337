// A map for entries that come and go all the time.
//
// V8 links each table that a `Map` has outgrown to the next one. As soon as one
// of them is among the old objects, all that was ever added after it looks alive
// until the next major collection, though it was removed long ago.

import { SafeMap } from "../values/intrinsics.ts";

/** After so many additions it begins anew. */
const RENEW_AFTER = 512;

/** A map by numbers; garbage does not gather behind it. */
export class ChurnMap<Value> {
  #map = new SafeMap<number, Value>();
  #added = 0;

  get size(): number {
    return this.#map.size;
  }

  get(key: number): Value | undefined {
    return this.#map.get(key);
  }

  set(key: number, value: Value): void {
    if (++this.#added > RENEW_AFTER + 2 * this.#map.size) this.#renew();
    this.#map.set(key, value);
  }

  #renew(): void {
    const map = new SafeMap<number, Value>();
    this.#map.forEach((value, key) => map.set(key, value));
    this.#map = map;
    this.#added = 0;
  }

  delete(key: number): void {
    this.#map.delete(key);
  }

  /** Removes all entries, and gives their values. */
  clear(): Value[] {
    const values: Value[] = [];
    this.#map.forEach((value) => values[values.length] = value);
    this.#map.clear();
    return values;
  }
}
