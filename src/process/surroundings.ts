// Finds the configuration and environment variables that let Deno find modules in a
// process as it does in the program. The configuration is in the directory of the main
// module, or above it. If the program lacks a permission to look, a separate Deno
// process looks instead.

import { mainModule } from "../values/thread_state.ts";
import { FINDS_PROGRAMS, fromFileUrl, toFileUrl } from "./permissions.ts";
import { argsFor, runDeno } from "./run_deno.ts";

/** Configuration and environment of a program. */
export interface Surroundings {
  /** Path of the configuration, if there is one. */
  config: string | undefined;
  /** Environment variables that Deno needs. */
  env: Record<string, string>;
}

/** The same, with the configuration as a URL. */
interface Found {
  config?: string;
  env: Record<string, string>;
}

/** Variables that Deno needs, mainly to find modules and to color its output. */
const VARIABLES = [
  "DENO_DIR",
  "HOME",
  "XDG_CACHE_HOME",
  "USERPROFILE",
  "LOCALAPPDATA",
  "SystemRoot",
  "TMP",
  "TEMP",
  "DENO_CERT",
  "DENO_TLS_CA_STORE",
  "DENO_V8_FLAGS",
  "DENO_NO_PACKAGE_JSON",
  "DENO_CONDITIONS",
  "JSR_URL",
  "NPM_CONFIG_REGISTRY",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "NO_COLOR",
  "FORCE_COLOR",
  ...FINDS_PROGRAMS,
];

const CONFIGS = ["deno.json", "deno.jsonc"];

/** Returns the surroundings of this program. */
export function surroundings(): Surroundings {
  const directory = mainDirectory();
  const { config, env } = look(VARIABLES, CONFIGS, directory) ?? ask(directory);
  return { config: config && fromFileUrl(new URL(config)), env };
}

/** Returns the directory URL of the main module or its substitute, if it is local. */
function mainDirectory(): string | undefined {
  try {
    const directory = new URL(".", mainModule() ?? workerModule());
    return directory.protocol === "file:" ? directory.href : undefined;
  } catch {
    return undefined;
  }
}

/** Returns the module of a worker outside pools, or a URL in the working directory. */
function workerModule(): string {
  const href = globalThis.location?.href;
  return href?.startsWith("file:") ? href : toFileUrl(`${Deno.cwd()}/_`).href;
}

/**
 * Returns the surroundings of a directory, or `undefined` without permission. Must be
 * self-contained, because a separate process can run its source.
 */
function look(
  variables: string[],
  configs: string[],
  directory?: string,
): Found | undefined {
  const isGranted = (descriptor: Deno.PermissionDescriptor) =>
    Deno.permissions.querySync(descriptor).state === "granted";
  const isFile = (path: URL) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  };

  const env: Record<string, string> = {};
  for (const variable of variables) {
    if (!isGranted({ name: "env", variable })) return undefined;
    const value = Deno.env.get(variable);
    if (value !== undefined) env[variable] = value;
  }
  for (let at = directory, below; at !== below; at = new URL("..", at).href) {
    for (const name of configs) {
      const path = new URL(name, at);
      if (!isGranted({ name: "read", path })) return undefined;
      if (isFile(path)) return { config: path.href, env };
    }
    below = at;
  }
  return { env };
}

/** Runs `look()` in a process with all permissions. */
function ask(directory: string | undefined): Found {
  const args = directory === undefined
    ? argsFor(look, VARIABLES, CONFIGS)
    : argsFor(look, VARIABLES, CONFIGS, directory);
  const { success, stdout, stderr } = runDeno(
    { args },
    (command) => command.outputSync(),
  );
  const decoder = new TextDecoder();
  if (success) return JSON.parse(decoder.decode(stdout));
  throw new Error(
    `Deno could not look around the program: ${decoder.decode(stderr)}`,
  );
}
