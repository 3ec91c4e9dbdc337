// The jobs of sizing.ts.

/** Computes for so many steps, and gives what has come of it. */
export function spin(steps: number): number {
  let x = 1;
  for (let i = 0; i < steps; i++) x = (x * 1_103_515_245 + 12_345) % 2 ** 31;
  return x;
}

export function nothing(): void {}

export function increment(n: number): number {
  return n + 1;
}

export function lengthOf(list: ArrayLike<unknown>): number {
  return list.length;
}

export function addBlock(block: number[]): number[] {
  return block.map(increment);
}

/** Waits, as for an answer from the network. */
export async function wait(ms: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
}
