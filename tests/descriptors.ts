// The file descriptors of this process, as Linux lists them.

/** Whether they can be counted here. */
export const canCountDescriptors = Deno.build.os === "linux";

/** How many are open now. */
export function countDescriptors(): number {
  let count = 0;
  for (const _ of Deno.readDirSync("/proc/self/fd")) count++;
  return count;
}
