// What Linux says of a process.
import { switchesIn } from "../cost.js";

const PAGE_MIB = 4096 / 1024 / 1024;
const TICKS = 100;

/** Its memory, in MiB. */
export async function rss(pid: number): Promise<number> {
  const [, pages] = (await Deno.readTextFile(`/proc/${pid}/statm`)).split(" ");
  return Number(pages) * PAGE_MIB;
}

/** The CPU time it has had so far, in seconds; nothing where there is no Linux. */
export async function cpuTime(pid: number): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  const text = await Deno.readTextFile(`/proc/${pid}/stat`);
  // The name, in brackets, may hold anything; the 12th and 13th after it are the times.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** How often its threads that run now have slept and been woken; nothing where there is no Linux. */
export async function wakeUps(pid: number): Promise<number | undefined> {
  if (Deno.build.os !== "linux") return undefined;
  let sum = 0;
  for await (const { name } of Deno.readDir(`/proc/${pid}/task`)) {
    const path = `/proc/${pid}/task/${name}/status`;
    sum += switchesIn(await Deno.readTextFile(path));
  }
  return sum;
}

/** Its open files. */
export async function openFiles(pid: number): Promise<number> {
  let count = 0;
  for await (const _ of Deno.readDir(`/proc/${pid}/fd`)) count++;
  return count;
}

/** How many files a process may open. */
export async function openFilesLimit(): Promise<number> {
  const limits = await Deno.readTextFile("/proc/self/limits");
  return Number(/Max open files\s+(\d+)/.exec(limits)?.[1] ?? Infinity);
}
