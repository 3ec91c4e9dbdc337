// Numbers as people read them.

const whole = new Intl.NumberFormat("en");

/** A count, or a rate: 12, 3.4k, 1.2M. */
export function count(n) {
  if (n < 10 && !Number.isInteger(n)) return n.toFixed(1);
  if (n < 10_000) return whole.format(Math.round(n));
  const [value, unit] = n < 1e6 ? [n / 1e3, "k"] : [n / 1e6, "M"];
  return `${value.toFixed(value < 100 ? 1 : 0)}${unit}`;
}

/** A time, given in ms, if there is one: 3 µs, 1.2 ms, 4.5 s. */
export function duration(ms) {
  if (ms === null) return "–";
  if (ms === 0) return "0 ms";
  if (ms < 0.9995) return `${significant(ms * 1e3)} µs`;
  if (ms < 999.5) return `${significant(ms)} ms`;
  return `${significant(ms / 1e3)} s`;
}

/** A size, given in MiB. */
export function mebibytes(n) {
  return n < 1024 ? `${significant(n)} MiB` : `${significant(n / 1024)} GiB`;
}

function significant(n) {
  return n < 10
    ? String(Number(n.toPrecision(2)))
    : whole.format(Math.round(n));
}
