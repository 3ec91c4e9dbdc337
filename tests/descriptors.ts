// Counts the file descriptors of this process, as Linux lists them.

/** Whether this system lists descriptors. */
export const canCountDescriptors = Deno.build.os === "linux";

/** Returns the number of open descriptors. */
export function countDescriptors(): number {
  let count = 0;
  for (const _ of Deno.readDirSync("/proc/self/fd")) count++;
  return count;
}

/** Returns the number of open sockets, however many descriptors each has. */
export function countSockets(): number {
  if (!canCountDescriptors) return 0;
  const sockets = new Set<string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (target.startsWith("socket:")) sockets.add(target);
    } catch {
      // The descriptor of the folder itself, which is closed by now.
    }
  }
  return sockets.size;
}
