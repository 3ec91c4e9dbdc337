// Finds live processes that the test's own process has started, where the system
// shows them.

interface LiveProcess {
  pid: number;
  parent: number;
  group: number;
  command: string;
}

async function allProcesses(): Promise<LiveProcess[]> {
  const all: LiveProcess[] = [];
  for await (const { name } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = await Deno.readTextFile(`/proc/${name}/stat`);
      const command = await Deno.readTextFile(`/proc/${name}/cmdline`);
      const [state, parent, group] = stat.slice(stat.lastIndexOf(")") + 2)
        .split(" ");
      if (state === "Z") continue;
      all.push({
        pid: Number(name),
        parent: Number(parent),
        group: Number(group),
        command: command.replaceAll("\0", " "),
      });
    } catch {
      // The process has ended meanwhile.
    }
  }
  return all;
}

/** Returns the commands of the children of a process, and of their children. */
export async function liveProcesses(parent = Deno.pid): Promise<string[]> {
  const all = await allProcesses();
  const found: string[] = [];
  const search = (parent: number) => {
    for (const process of all) {
      if (process.parent !== parent) continue;
      found.push(`${process.pid} ${process.command}`);
      search(process.pid);
    }
  };
  search(parent);
  return found;
}

/** Returns the commands of the processes of a group, whatever their parents are. */
export async function processesOfGroup(group: number): Promise<string[]> {
  const all = await allProcesses();
  return all.filter((process) => process.group === group)
    .map(({ pid, command }) => `${pid} ${command}`);
}

/** Returns whether the process with this id is alive. */
export function lives(pid: number): boolean {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    return !stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return false;
  }
}
