// The job of examples/ndjson.ts: adds up the sales in a block of lines.

/** Number of sales and their total per shop. Sums of whole cents are exact. */
export type Sums = Map<string, { count: number; cents: number }>;

/** Adds sales to the sums of a shop. */
export function add(sums: Sums, shop: string, count: number, cents: number) {
  const sum = sums.get(shop);
  if (sum === undefined) sums.set(shop, { count, cents });
  else sum.count += count, sum.cents += cents;
}

/** Returns the sums of a block of whole lines, each `{"shop":"…","cents":…}`. */
export function addUp(block: Uint8Array): Sums {
  const sums: Sums = new Map();
  for (const line of new TextDecoder().decode(block).split("\n")) {
    if (line.trim() === "") continue; // for example after the last newline
    const { shop, cents } = parse(line);
    add(sums, shop, 1, cents);
  }
  return sums;
}

function parse(line: string): { shop: string; cents: number } {
  try {
    return JSON.parse(line);
  } catch (cause) {
    throw new SyntaxError(`Expected JSON: ${line.slice(0, 80)}`, { cause });
  }
}
