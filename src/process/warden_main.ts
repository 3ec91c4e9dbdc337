// The program of the warden: kills the watched processes when the main program has
// ended, and a process that exceeds its memory limit.

/**
 * Runs until its input ends. Must be self-contained, because it travels as its source.
 *
 * @param known Processes to watch from the start, each with its memory limit in MiB
 */
export async function guardProcesses(
  known: readonly [pid: number, limit: number][],
): Promise<void> {
  /** Time in ms between checks of the memory. */
  const EVERY = 20;
  /** Memory in MiB that a process uses in addition to its jobs. */
  const OWN = 64;
  const KIB_PER_MIB = 1024;

  /** Memory limits of the watched processes in MiB, by process id; 0 is no limit. */
  const watched = new Map(known);
  let timer: ReturnType<typeof setInterval> | undefined;

  function kill(pid: number): void {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // The process has ended by itself.
    }
  }

  /** Returns MiB of memory that a process has written to; 0 if not known. */
  function memoryOf(pid: number): number {
    try {
      const status = Deno.readTextFileSync(`/proc/${pid}/status`);
      const [, kib] = status.match(/^RssAnon:\s+(\d+) kB$/m)!;
      return Number(kib) / KIB_PER_MIB;
    } catch {
      return 0;
    }
  }

  function look(): void {
    for (const [pid, limit] of watched) {
      if (limit === 0 || memoryOf(pid) <= limit + OWN) continue;
      watched.delete(pid);
      // Main must be notified before it detects the end.
      Deno.stdout.writeSync(new TextEncoder().encode(`${pid}\n`));
      kill(pid);
    }
  }

  function hear(line: string): void {
    const [what, ...numbers] = line.split(" ");
    const [pid, limit] = numbers.map(Number);
    if (what === "-") watched.delete(pid);
    else watched.set(pid, limit);
    lookIfAnyIsLimited();
  }

  function lookIfAnyIsLimited(): void {
    if ([...watched.values()].some((limit) => limit > 0)) {
      timer ??= setInterval(look, EVERY);
    } else {
      clearInterval(timer);
      timer = undefined;
    }
  }

  // These signals reach all processes of a terminal or service: only main handles them.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    if (Deno.build.os === "windows" && signal !== "SIGINT") continue;
    Deno.addSignalListener(signal, () => {});
  }
  lookIfAnyIsLimited();
  let text = "";
  for await (
    const more of Deno.stdin.readable.pipeThrough(new TextDecoderStream())
  ) {
    const lines = (text + more).split("\n");
    text = lines.pop()!;
    lines.forEach(hear);
  }
  for (const pid of watched.keys()) kill(pid);
  Deno.exit();
}
