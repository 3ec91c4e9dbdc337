// The jobs of the demo in examples/dashboard.ts: each takes time in its own way.

const sleep = (ms: number) => new Promise<void>((done) => setTimeout(done, ms));

/** Computes for the given time in ms. */
function compute(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** Takes almost no time. */
export const lookup = (key: number): number => key % 7;
/** Computes for a short time. */
export const resize = (): void => compute(20 + 60 * Math.random());
/** Waits most of its time. */
export const fetchPage = (): Promise<void> => sleep(200 + 600 * Math.random());
/** Takes seconds. */
export async function report(): Promise<void> {
  for (let i = 0; i < 20; i++) {
    compute(10);
    await sleep(50 + 100 * Math.random());
  }
}
/** Fails. */
export const parse = (text: string): unknown => JSON.parse(text);
/** Never ends by itself: the timeout ends it. */
export function hang(): void {
  while (true);
}
/** Ends its worker. */
export const crash = (): void => Deno.exit(1);
