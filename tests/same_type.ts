// Type assertions for tests.

/** True only if both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends
  (<T>() => T extends B ? 1 : 2) ? true : false;

/** Passes the type check only if both types are the same: `same<typeof x, number>(true)`. */
export function same<A, B>(_: Same<A, B>): void {}
