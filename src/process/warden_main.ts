// What the warden of a pool executes: ends the processes that it is told of when
// the program has ended, and those that take more memory than they may.

/**
 * Runs as long as its input goes on. It uses nothing around it: it goes as its source.
 *
 * @param known The processes to watch from the start, each with the MiB that it may take
 */
export async function guardProcesses(
  known: readonly [pid: number, limit: number][],
): Promise<void> {
  /** How often their memory is looked at, in ms. */
  const EVERY = 20;
  /** MiB that a process takes beside what its jobs need. */
  const OWN = 64;
  const PAGE = 4096;
  const BYTES_PER_MIB = 2 ** 20;

  /** The processes that are watched, and MiB that they may take. */
  const watched = new Map(known);
  let timer: ReturnType<typeof setInterval> | undefined;

  function kill(pid: number): void {
    try {
      Deno.kill(pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  /** MiB that a process has written to, where the system tells. */
  function memoryOf(pid: number): number {
    try {
      const [, resident, shared] = Deno.readTextFileSync(`/proc/${pid}/statm`)
        .split(" ", 3).map(Number);
      return (resident - shared) * PAGE / BYTES_PER_MIB;
    } catch {
      return 0;
    }
  }

  function look(): void {
    for (const [pid, limit] of watched) {
      if (limit === 0 || memoryOf(pid) <= limit + OWN) continue;
      watched.delete(pid);
      // Main has to hear of it before it sees the end.
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

  // These reach all processes of a terminal, or of a service.
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
