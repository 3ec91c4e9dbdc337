// What a process has to know of the program around it, so that Deno finds modules
// there as it does for the program: the configuration beside the program's main
// module, or above it, and some of the environment. What the program itself may
// not look at, Deno is asked, which the program may run.

import { mainModule } from "../values/thread_state.ts";
import { FINDS_PROGRAMS, fromFileUrl, toFileUrl } from "./permissions.ts";
import { argsFor, runDeno } from "./run_deno.ts";

/** What is around a program. */
export interface Surroundings {
  /** The path of the configuration, if there is one. */
  config: string | undefined;
  /** The variables that Deno itself needs. */
  env: Record<string, string>;
}

/** What was found: the configuration's URL, if there is one. */
interface Found {
  config?: string;
  env: Record<string, string>;
}

/** By these Deno finds modules, and says what it says in the right colors. */
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

/** What is around this program. */
export function surroundings(): Surroundings {
  const directory = mainDirectory();
  const { config, env } = look(VARIABLES, CONFIGS, directory) ?? ask(directory);
  return { config: config && fromFileUrl(new URL(config)), env };
}

/** Where the program's main module is, or what is known instead. */
function mainDirectory(): string | undefined {
  try {
    const directory = new URL(".", mainModule() ?? workerModule());
    return directory.protocol === "file:" ? directory.href : undefined;
  } catch {
    return undefined;
  }
}

/** The module of a worker that no pool made, or else a name where the program works. */
function workerModule(): string {
  const href = globalThis.location?.href;
  return href?.startsWith("file:") ? href : toFileUrl(`${Deno.cwd()}/_`).href;
}

/**
 * Looks at what is around a directory; `undefined` without permission to. It uses
 * nothing around it, since another process may have to look.
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

/** Lets a process that has all permissions look. */
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
