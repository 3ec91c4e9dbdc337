// Processes that a test's own process has started and that live still, where the
// system shows them.

/** The commands of the children of a process, and of theirs. */
export async function liveProcesses(parent = Deno.pid): Promise<string[]> {
  const all: { pid: number; parent: number; command: string }[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await Deno.readTextFile(`/proc/${name}/stat`);
      const command = await Deno.readTextFile(`/proc/${name}/cmdline`);
      const [state, owner] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      if (state === "Z") continue;
      all.push({ pid: Number(name), parent: Number(owner), command });
    } catch {
      // It has ended meanwhile.
    }
  }
  const found: string[] = [];
  const search = (parent: number) => {
    for (const process of all) {
      if (process.parent !== parent) continue;
      found.push(`${process.pid} ${process.command.replaceAll("\0", " ")}`);
      search(process.pid);
    }
  };
  search(parent);
  return found;
}

/** Whether a process lives, by its number. */
export function lives(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return false;
  }
}
