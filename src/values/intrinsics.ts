// Saves the built-ins that the pool's own code uses. This happens when the thread
// starts, because a job can replace any of them. For the same reason, many files read
// the built-ins they use from `globalThis`, or from a prototype, when they load.
//
// A job can also replace iterators. So code that runs after a job loops by index or
// with `forEach`, and does not destructure arrays.

const { ownKeys } = Reflect;
export const { apply } = Reflect;
export const { isArray } = Array;
export const {
  defineProperty,
  getOwnPropertyDescriptor,
  getOwnPropertyNames,
  getOwnPropertySymbols,
  getPrototypeOf,
  hasOwn,
  is,
  keys,
} = Object;
export const { toStringTag } = Symbol;
export const { isFinite } = Number;
export const { floor } = Math;
export const { parse, stringify } = JSON;
export const { compareExchange, exchange, load, store } = Atomics;
export const { isView } = ArrayBuffer;
export const arrayPrototype: object = Array.prototype;
export const objectPrototype: object = Object.prototype;
export const stringOf: (value: unknown) => string = String;
/** The `Deno` namespace; some modules hide it from others. */
export const deno: typeof globalThis.Deno = globalThis.Deno;

/** Function form of a method: takes the object, then the arguments. */
type Unbound<This, Args extends unknown[], R> = (
  object: This,
  ...args: Args
) => R;

const { bind, call } = Function.prototype;

/** Turns a method into a function whose first argument is the object. */
export function unbind<This, Args extends unknown[], R>(
  method: (this: This, ...args: Args) => R,
): Unbound<This, Args, R> {
  return apply(bind, call, [method]) as Unbound<This, Args, R>;
}

/** Turns the getter of a property into a function of the object. */
export function unbindGetter<T>(
  prototype: object,
  key: string | symbol,
): (object: object) => T {
  const { get } = Object.getOwnPropertyDescriptor(prototype, key)!;
  return unbind(get! as () => T) as (object: object) => T;
}

export const typeTagOf = unbind(objectPrototype.toString);
export const isEnumerable = unbind(objectPrototype.propertyIsEnumerable);
export const typedArrayTagOf = unbindGetter<string | undefined>(
  getPrototypeOf(Uint8Array.prototype),
  toStringTag,
);
export const sourceOf = unbind(Function.prototype.toString);
export const sliceText = unbind(String.prototype.slice);
export const endsWith = unbind(String.prototype.endsWith);
export const includes = unbind(String.prototype.includes);
export const execute = unbind(RegExp.prototype.exec);
export const join = unbind(Array.prototype.join);
export const push = unbind(Array.prototype.push);
export const shift = unbind(Array.prototype.shift);
export const sliceList: <T>(
  list: readonly T[],
  start?: number,
  end?: number,
) => T[] = unbind(Array.prototype.slice) as never;
export const sortList: <T>(
  list: T[],
  compare: (a: T, b: T) => number,
) => void = unbind(Array.prototype.sort) as never;
export const eachEntry: <K, V>(
  map: Map<K, V>,
  callback: (value: V, key: K) => void,
) => void = unbind(Map.prototype.forEach) as never;
export const eachItem: <T>(
  set: Set<T>,
  callback: (item: T) => void,
) => void = unbind(Set.prototype.forEach) as never;
export const addEntry = unbind(Map.prototype.set);
export const clearMap = unbind(Map.prototype.clear);
export const addItem = unbind(Set.prototype.add);
export const clearSet = unbind(Set.prototype.clear);
export const setBytes = unbind(Uint8Array.prototype.set);

/** Map, set and weak map with saved methods. Never construct them from an iterable. */
export class SafeMap<K, V> extends Map<K, V> {}
export class SafeSet<T> extends Set<T> {}
export class SafeWeakMap<K extends WeakKey, V> extends WeakMap<K, V> {}
keepMethods(SafeMap.prototype, Map.prototype);
keepMethods(SafeSet.prototype, Set.prototype);
keepMethods(SafeWeakMap.prototype, WeakMap.prototype);

function keepMethods(own: object, inherited: object): void {
  for (const key of ownKeys(inherited)) {
    if (key === "constructor") continue;
    defineProperty(own, key, Object.getOwnPropertyDescriptor(inherited, key)!);
  }
}

/** Creates a set of the items. */
export function setOf<T>(items: readonly T[]): SafeSet<T> {
  const set = new SafeSet<T>();
  for (let i = 0; i < items.length; i++) set.add(items[i]);
  return set;
}

/** Defines an own property, because an assignment could call a setter. */
export function defineData(
  object: object,
  key: string,
  value: unknown,
  enumerable = true,
): void {
  const descriptor = { value, enumerable, configurable: true, writable: true };
  defineProperty(object, key, descriptor);
}

/** Calls back in a microtask. */
export const microtask = queueMicrotask;
/** Returns the time in ms on this thread's clock. */
export const performanceNow: () => number = performance.now.bind(performance);
