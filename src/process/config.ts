// Where a process finds its configuration, so that it finds modules as the program
// does, and where it works. Deno looks for a configuration beside the program's
// main module, and above; a process has another main module, and looks where it
// works.

import { fromFileUrl } from "./paths.ts";

const NAMES = ["deno.json", "deno.jsonc"];
const CHOICES = /^(--config(=|$)|-c|--no-config$)/;

/** Where a process works, and flags for its configuration. */
export interface Place {
  /** `undefined` where the program does. */
  cwd: string | undefined;
  flags: string[];
}

/**
 * The place of a process. The program's working directory is known to a process
 * only if that may read it.
 *
 * @param others Flags that may name a configuration
 */
export function placeFor(
  others: readonly string[],
  mayRead: boolean,
): Place {
  const cwd = mayRead ? undefined : ROOT;
  if (others.some((flag) => CHOICES.test(flag))) return { cwd, flags: [] };
  const home = mainDirectory();
  if (home === undefined) return { cwd, flags: [] };
  const config = findConfig(home);
  if (config !== undefined) return { cwd, flags: config };
  // It cannot be looked for here: then the process does so itself.
  return { cwd: mayRead ? undefined : fromFileUrl(home), flags: [] };
}

const ROOT = "/";

/** Where the program's main module is. */
function mainDirectory(): URL | undefined {
  try {
    const directory = new URL(".", Deno.mainModule);
    return directory.protocol === "file:" ? directory : undefined;
  } catch {
    return undefined;
  }
}

/** The flags for the configuration; `undefined` without permission to look. */
function findConfig(directory: URL): string[] | undefined {
  for (;;) {
    for (const name of NAMES) {
      const path = fromFileUrl(new URL(name, directory));
      const found = isFile(path);
      if (found === undefined) return undefined;
      if (found) return [`--config=${path}`];
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
