// Which configuration a process is given, so that it finds modules as the program
// does. Deno looks for it beside the program's main module, and above; a process
// has another main module.

import { fromFileUrl } from "./paths.ts";

const NAMES = ["deno.json", "deno.jsonc"];
const CHOICES = /^(--config(=|$)|-c|--no-config$)/;

/** The flags for it, unless others choose; none where it cannot be looked for. */
export function configFlags(others: readonly string[]): string[] {
  if (others.some((flag) => CHOICES.test(flag))) return [];
  let directory: URL;
  try {
    directory = new URL(".", Deno.mainModule);
  } catch {
    return [];
  }
  if (directory.protocol !== "file:") return [];
  for (;;) {
    for (const name of NAMES) {
      const found = isFile(fromFileUrl(new URL(name, directory)));
      // Without permission to look, the process looks where it is started.
      if (found === undefined) return [];
      if (found) return [`--config=${fromFileUrl(new URL(name, directory))}`];
    }
    const above = new URL("..", directory);
    if (above.href === directory.href) return [];
    directory = above;
  }
}

function isFile(path: string): boolean | undefined {
  const { state } = Deno.permissions.querySync({ name: "read", path });
  if (state !== "granted") return undefined;
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
