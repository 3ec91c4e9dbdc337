// What all copies of the package in one thread share: a job module may have
// loaded another copy than the pool that runs it.

/** The one object of this name in this thread, made by the first copy to ask. */
export function sharedByCopies<T extends object>(
  name: string,
  make: () => T,
): T {
  const key = Symbol.for(`@spindle/thread-pool/${name}`);
  const holder = globalThis as unknown as Record<symbol, T | undefined>;
  return holder[key] ??= make();
}
