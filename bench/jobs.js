// The jobs that every pool runs: plain functions of one argument.

/**
 * @template T
 * @param {T} value
 */
export function noop(value) {
  return value;
}

/** @param {{ a: number, b: number, c: string, d: boolean, e: number }} fields */
export function fields({ a, b, c, d, e }) {
  return { a: b, b: a, c, d: !d, e };
}

/** @param {number} n */
export function factorial(n) {
  let product = 1n;
  for (let i = 2n; i <= n; i++) product *= i;
  return product;
}

/**
 * Lasts a given time by the clock.
 * @param {number} ms
 */
export function spin(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
}

/**
 * Takes CPU by the count, so that two of them on one core take twice as long.
 * @param {number} steps
 */
export function burn(steps) {
  let x = 1;
  for (let i = 0; i < steps; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
  }
  return x;
}

/**
 * Keeps its worker until the shared word is no longer 0.
 * @param {SharedArrayBuffer} gate
 */
export function hold(gate) {
  Atomics.wait(new Int32Array(gate), 0, 0);
}
