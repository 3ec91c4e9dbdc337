// What a process has to know of the program around it, so that Deno finds modules
// there as it does for the program: the configuration beside the program's main
// module, or above it, and some of the environment. What the program itself may
// not look at, Deno is asked, which the program may run.

import { FINDS_PROGRAMS, fromFileUrl } from "./permissions.ts";
import { argsFor, runDeno } from "./run_deno.ts";

/** What is around a program. */
export interface Surroundings {
  /** The path of the configuration, if there is one. */
  config: string | undefined;
  /** The variables that Deno itself needs. */
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
  return look(directory) ?? ask(directory);
}

/** Where the program's main module is. */
function mainDirectory(): string | undefined {
  try {
    const directory = new URL(".", Deno.mainModule);
    return directory.protocol === "file:" ? directory.href : undefined;
  } catch {
    return undefined;
  }
}

/** Looks at what is around a directory; `undefined` without permission to. */
function look(directory: string | undefined): Surroundings | undefined {
  const env: Record<string, string> = {};
  for (const variable of VARIABLES) {
    if (!isGranted({ name: "env", variable })) return undefined;
    const value = Deno.env.get(variable);
    if (value !== undefined) env[variable] = value;
  }
  for (let at = directory; at !== undefined; at = above(at)) {
    for (const name of CONFIGS) {
      const path = fromFileUrl(new URL(name, at));
      if (!isGranted({ name: "read", path })) return undefined;
      if (isFile(path)) return { config: path, env };
    }
  }
  return { config: undefined, env };
}

function above(directory: string): string | undefined {
  const { href } = new URL("..", directory);
  return href === directory ? undefined : href;
}

function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Lets this module, run with all permissions, look. */
function ask(directory: string | undefined): Surroundings {
  const module = new URL(import.meta.url);
  const args = argsFor(module, ...directory === undefined ? [] : [directory]);
  const { stdout } = runDeno({ args }, (command) => command.outputSync());
  return JSON.parse(new TextDecoder().decode(stdout));
}

if (import.meta.main) console.log(JSON.stringify(look(Deno.args[0])));
