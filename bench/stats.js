// The little statistics that the workloads and the report need.

/** @param {number[]} values */
export function median(values) {
  return quantile(values, 0.5);
}

/**
 * The value that a share of all are not above, between two neighbours where it falls there.
 * @param {number[]} values @param {number} share
 */
export function quantile(values, share) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)];
  return low + (sorted[Math.ceil(at)] - low) * (at % 1);
}
