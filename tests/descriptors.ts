// The file descriptors of this process, as Linux lists them.

/** Whether they can be counted here. */
export const canCountDescriptors = Deno.build.os === "linux";

/** How many are open now. */
export function countDescriptors(): number {
  let count = 0;
  for (const _ of Deno.readDirSync("/proc/self/fd")) count++;
  return count;
}

/** How many sockets are open now, however many descriptors each has. */
export function countSockets(): number {
  if (!canCountDescriptors) return 0;
  const sockets = new Set<string>();
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      const target = Deno.readLinkSync(`/proc/self/fd/${name}`);
      if (target.startsWith("socket:")) sockets.add(target);
    } catch {
      // It was that of the folder, which is closed by now.
    }
  }
  return sockets.size;
}
