// How late this thread's timers are. (Deno's `monitorEventLoopDelay` counts a tick as on time where
// ten milliseconds were blocked.)

const INTERVAL = 2;

/** Samples until it is stopped; gives the delays, in ms. */
export function sampleLoopDelay(): () => number[] {
  const delays: number[] = [];
  let due = performance.now() + INTERVAL;
  let timer = setTimeout(sample, INTERVAL);

  function sample(): void {
    const now = performance.now();
    delays.push(Math.max(0, now - due));
    due = now + INTERVAL;
    timer = setTimeout(sample, INTERVAL);
  }

  return () => {
    clearTimeout(timer);
    // What blocks at the end counts, too.
    delays.push(Math.max(0, performance.now() - due));
    return delays;
  };
}
