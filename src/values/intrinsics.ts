// What the pool's own code needs of the language, kept as it was when the thread
// started: a job can replace any of it. For the same reason many files take what
// they use out of `globalThis`, or out of a prototype, when they load.
//
// Iterators are replaced as easily, so that code which goes on after a job has
// run loops by index or by `forEach`, and takes no array apart by pattern.

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
/** What only Deno has; some modules hide it from others. */
export const deno: typeof globalThis.Deno = globalThis.Deno;

/** A method as a function of its object and its arguments. */
type Unbound<This, Args extends unknown[], R> = (
  object: This,
  ...args: Args
) => R;

const { bind, call } = Function.prototype;

/** Makes a method a function, whose first argument is the object. */
export function unbind<This, Args extends unknown[], R>(
  method: (this: This, ...args: Args) => R,
): Unbound<This, Args, R> {
  return apply(bind, call, [method]) as Unbound<This, Args, R>;
}

/** Makes the getter of a property a function of its object. */
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

/** A map, set or weak map whose methods are its own; none is made of an iterable. */
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

/** A set of these items. */
export function setOf<T>(items: readonly T[]): SafeSet<T> {
  const set = new SafeSet<T>();
  for (let i = 0; i < items.length; i++) set.add(items[i]);
  return set;
}

/** Gives an object a property of its own, where an assignment might call a setter. */
export function defineData(
  object: object,
  key: string,
  value: unknown,
  enumerable = true,
): void {
  const descriptor = { value, enumerable, configurable: true, writable: true };
  defineProperty(object, key, descriptor);
}

/** Calls back when what runs now has ended. */
export const microtask = queueMicrotask;
/** Milliseconds on this thread's clock. */
export const performanceNow: () => number = performance.now.bind(performance);
