// What the pool's own code needs of the language, kept as it was when the thread
// started: a job can replace any of it.
//
// Iterators are replaced as easily, so that code which goes on after a job has
// run loops by index or by `forEach`, and takes no array apart by pattern.

export const { apply, ownKeys } = Reflect;
export const { isArray } = Array;
export const {
  defineProperty,
  getOwnPropertyDescriptor,
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
export const toText: (value: unknown) => string = String;

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

export const tagTextOf: (value: unknown) => string = unbind(
  Object.prototype.toString,
);
export const typedArrayTagOf: (view: object) => string | undefined =
  unbindGetter(getPrototypeOf(Uint8Array.prototype), toStringTag);
export const sourceOf: (fn: object) => string = unbind(
  Function.prototype.toString as (this: object) => string,
);
export const sliceText: (text: string, start: number, end?: number) => string =
  unbind(String.prototype.slice);
export const startsWith: (text: string, start: string) => boolean = unbind(
  String.prototype.startsWith,
);
export const endsWith: (text: string, end: string) => boolean = unbind(
  String.prototype.endsWith,
);
export const includes: (text: string, part: string) => boolean = unbind(
  String.prototype.includes,
);
export const lastIndexOf: (text: string, part: string) => number = unbind(
  String.prototype.lastIndexOf,
);
export const join: (list: readonly unknown[], separator: string) => string =
  unbind(Array.prototype.join);
export const push: (list: unknown[], ...items: unknown[]) => void = unbind(
  Array.prototype.push,
);
export const sliceList: <T>(
  list: readonly T[],
  start?: number,
  end?: number,
) => T[] = unbind(Array.prototype.slice) as never;
export const execute: (
  pattern: RegExp,
  text: string,
) => RegExpExecArray | null = unbind(RegExp.prototype.exec);
export const eachEntry: (
  map: Map<unknown, unknown>,
  callback: (value: unknown, key: unknown) => void,
) => void = unbind(Map.prototype.forEach);
export const eachItem: (
  set: Set<unknown>,
  callback: (item: unknown) => void,
) => void = unbind(Set.prototype.forEach);
export const addEntry: (
  map: Map<unknown, unknown>,
  key: unknown,
  value: unknown,
) => void = unbind(Map.prototype.set);
export const clearMap: (map: Map<unknown, unknown>) => void = unbind(
  Map.prototype.clear,
);
export const clearSet: (set: Set<unknown>) => void = unbind(
  Set.prototype.clear,
);
export const setBytes: (
  bytes: Uint8Array,
  source: Uint8Array,
  offset: number,
) => void = unbind(Uint8Array.prototype.set);
export const sortList: <T>(
  list: T[],
  compare: (a: T, b: T) => number,
) => void = unbind(Array.prototype.sort) as never;
export const addItem: (set: Set<unknown>, item: unknown) => void = unbind(
  Set.prototype.add,
);

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
