// Guesses which option was meant by an unknown name.

/** Names that other pools use for these options. */
const OTHER_NAMES: Record<string, string> = {
  size: "maxThreads maxWorkers numThreads poolSize threads workers",
  module: "filename file script url",
  "queue.capacity": "maxQueue queueSize",
  concurrency: "concurrentTasksPerWorker",
  memoryLimit: "maxMemory",
  signal: "abortSignal",
  transfer: "transferList",
};

/** Returns the known option that an unknown name most likely means, if any. */
export function meantBy(
  name: string,
  known: readonly string[],
): string | undefined {
  for (const [option, names] of Object.entries(OTHER_NAMES)) {
    const isKnown = known.includes(option.split(".")[0]);
    if (isKnown && names.split(" ").includes(name)) return option;
  }
  let nearest: string | undefined;
  let least = Math.min(3, Math.ceil(name.length / 3) + 1);
  for (const candidate of known) {
    const edits = distance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < least) [nearest, least] = [candidate, edits];
  }
  return nearest;
}

/** Returns the edit distance of two names. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(same, row[j] + 1, next[j - 1] + 1);
    }
    row = next;
  }
  return row[b.length];
}
