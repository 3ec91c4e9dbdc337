// The files that `deno publish` would ship, as it says itself.

/** The folder of the package. */
export const ROOT = new URL("..", import.meta.url);

/** A dry run of `deno publish`. */
export interface DryRun {
  success: boolean;
  output: string;
  /** Paths relative to the package, with `/` between folders, sorted. */
  files: string[];
}

/** Asks `deno publish` what it would do. */
export async function dryRunPublish(...flags: string[]): Promise<DryRun> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["publish", "--dry-run", "--allow-dirty", ...flags],
    cwd: ROOT,
    stdin: "null",
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  const files = Array.from(
    output.matchAll(/^ +(file:.+) \([\d.]+[KM]?B\)$/gm),
    ([, url]) => decodeURI(url.slice(ROOT.href.length)),
  );
  return { success, output, files: files.sort() };
}
