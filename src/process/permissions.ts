// Converts the permissions of a process to flags of `deno run`. A process never gets
// more than the program has. Deno does not reveal the program's own lists, so a
// process does not inherit lists, except for known import hosts.

import type { PermissionOptions } from "../options.ts";
import { nodeProcess } from "../values/node_process.ts";

/** Kinds of Deno's permissions. */
export const PERMISSIONS = [
  "read",
  "write",
  "net",
  "env",
  "run",
  "ffi",
  "import",
  "sys",
] as const;

type Kind = typeof PERMISSIONS[number];

/** Permission of one kind: everything, nothing, or a list. */
export type Grant = boolean | string[];

/** Permissions of a process. */
export type Grants = Record<Kind, Grant>;

/** Hosts from which Deno imports modules without any flag. */
const IMPORT_HOSTS = [
  "deno.land:443",
  "jsr.io:443",
  "esm.sh:443",
  "raw.esm.sh:443",
  "cdn.jsdelivr.net:443",
  "raw.githubusercontent.com:443",
  "gist.githubusercontent.com:443",
];

/**
 * Returns the permissions of a process.
 *
 * @param env Environment variables, of which `JSR_URL` adds an import host
 * @throws {Error} If the program itself lacks a permission
 */
export function grantsFor(
  permissions: PermissionOptions = "inherit",
  { JSR_URL }: Record<string, string> = {},
): Grants {
  const hosts = URL.canParse(JSR_URL ?? "")
    ? [...IMPORT_HOSTS, hostOf(JSR_URL)]
    : IMPORT_HOSTS;
  const grants = PERMISSIONS.map((kind) => {
    const wanted = typeof permissions === "string"
      ? permissions
      : (permissions as Record<string, unknown>)[kind] ?? "none";
    return [kind, grantOf(kind, wanted, hosts)];
  });
  return Object.fromEntries(grants);
}

/** Returns the host of a URL with its port. */
function hostOf(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${hostname}:${port || (protocol === "http:" ? 80 : 443)}`;
}

function grantOf(kind: Kind, wanted: unknown, importHosts: string[]): Grant {
  if (wanted === "none" || wanted === false) return false;
  if (wanted === "inherit") {
    if (isGranted(kind)) return true;
    if (kind !== "import") return false;
    const hosts = importHosts.filter((host) => isGranted("import", host));
    return hosts.length > 0 && hosts;
  }
  if (wanted === true) {
    if (!isGranted(kind)) throw lacking(kind, `all of "${kind}"`);
    return true;
  }
  const given = wanted as (string | URL)[];
  const items = given.map((item) => textOf(kind, item));
  // Also checked as given: an empty path would become the working directory.
  checkItems(kind, [...given.map(String), ...items]);
  for (const item of items) {
    if (!isGranted(kind, item)) throw lacking(kind, `"${item}"`);
    if (kind === "net" || kind === "import") checkWhole(kind, item);
  }
  return items.length > 0 && items;
}

/**
 * Refuses a host if a part of it can be denied to the program. Deno does not report
 * this, so if the program lacks the full permission, each port is queried.
 */
function checkWhole(kind: Kind, host: string): void {
  if (isGranted(kind) || /:\d+$/.test(host)) return;
  const { partial } = Deno.permissions.querySync(
    { name: kind } as Deno.PermissionDescriptor,
  );
  const isRange = host.includes("/");
  if (!partial && !isRange && !isAnyPortDenied(kind, host)) return;
  throw new Error(
    `Permission \`${kind}\` cannot be given: a part of it is denied to the program, so expected a host with its port, got "${host}"`,
  );
}

/** Whether a port of a host is denied, cached: to query all ports takes 0.1 s. */
const denials = new Map<string, boolean>();
const LAST_PORT = 65_535;

function isAnyPortDenied(kind: Kind, host: string): boolean {
  const place = `${kind} ${host}`;
  let isDenied = denials.get(place);
  if (isDenied === undefined) {
    isDenied = false;
    for (let port = 1; port <= LAST_PORT && !isDenied; port++) {
      isDenied = !isGranted(kind, `${host}:${port}`);
    }
    denials.set(place, isDenied);
  }
  return isDenied;
}

/** Refuses items that a flag cannot express: empty items, and items with a comma. */
function checkItems(kind: Kind, items: string[]): void {
  const wrong = items.find((item) => item === "" || item.includes(","));
  if (wrong === undefined) return;
  throw new Error(
    `Permission \`${kind}\` cannot be given to a process: expected no comma and no empty text in its list, got "${wrong}"`,
  );
}

function lacking(kind: Kind, what: string): Error {
  return new Error(
    `Permission \`${kind}\` cannot be given: the program itself has not got ${what}`,
  );
}

function isGranted(name: Kind, item?: string): boolean {
  // Each kind reads only its own key.
  const descriptor = {
    name,
    path: item,
    host: item,
    variable: item,
    command: item,
    kind: item,
  };
  try {
    const { state, partial } = Deno.permissions.querySync(
      descriptor as Deno.PermissionDescriptor,
    );
    return state === "granted" && !partial;
  } catch (error) {
    // A flag can have a wildcard host, but a query cannot.
    if (error instanceof URIError) return false;
    throw error;
  }
}

const PATHS: readonly Kind[] = ["read", "write", "run", "ffi"];

function textOf(kind: Kind, item: string | URL): string {
  if (!PATHS.includes(kind)) return String(item);
  if (item instanceof URL) return fromFileUrl(item);
  // The working directory can differ. A program without a slash is found in `PATH`.
  return kind === "run" && !/[\\/]/.test(item) ? item : absolute(item);
}

/** Returns the path of a `file:` URL. */
export function fromFileUrl(url: URL): string {
  return nodeProcess().getBuiltinModule("node:url").fileURLToPath(url);
}

/** Returns the `file:` URL of a path. */
export function toFileUrl(path: string): URL {
  return nodeProcess().getBuiltinModule("node:url").pathToFileURL(path);
}

/** Returns the absolute path, if the program may read its working directory. */
function absolute(path: string): string {
  try {
    return nodeProcess().getBuiltinModule("node:path").resolve(path);
  } catch {
    return path;
  }
}

/** Whether a process may read and write all files, including the program's. */
export function mayUseFiles({ read, write }: Grants): boolean {
  return read === true && write === true;
}

/** Whether a process may read the program's working directory. */
export function mayReadHere({ read }: Grants): boolean {
  if (!Array.isArray(read)) return read === true;
  const { isAbsolute, relative } = nodeProcess().getBuiltinModule("node:path");
  return read.some((directory) => {
    const way = relative(directory, absolute("."));
    return !isAbsolute(way) && !/^\.\.([\\/]|$)/.test(way);
  });
}

/** Returns the flags for these permissions. */
export function permissionFlags(grants: Grants): string[] {
  const flags = ["--no-prompt"];
  for (const kind of PERMISSIONS) {
    const grant = grants[kind];
    if (grant === true) flags.push(`--allow-${kind}`);
    else if (Array.isArray(grant)) flags.push(`--allow-${kind}=${grant}`);
  }
  // Without a flag, Deno allows imports from some hosts and the registries.
  if (grants.import === false) flags.push("--cached-only");
  // Code that a process imports would be cached on the disk.
  if (grants.write !== true) flags.push("--no-code-cache");
  return flags;
}

/** Returns the kinds of permissions that are not granted in full. */
export function deniedKinds(grants: Grants): Deno.PermissionName[] {
  // Deno reports imports as granted if it loads nothing from the network.
  return PERMISSIONS.filter((kind) => {
    return kind !== "import" && grants[kind] !== true;
  }) as Deno.PermissionName[];
}

/** Environment variables by which Deno finds programs. */
export const FINDS_PROGRAMS = ["PATH", "PATHEXT"];

/**
 * Returns the environment of a process: variables that the process may read, and
 * variables that Deno needs. `undefined` means the program's whole environment.
 */
export function environmentFor(
  grants: Grants,
  needed: Record<string, string>,
): Record<string, string> | undefined {
  if (grants.env === true) return undefined;
  const env = { ...needed };
  // Deno needs these only to find programs.
  if (grants.run === false) {
    for (const name of FINDS_PROGRAMS) delete env[name];
  }
  const listed = Array.isArray(grants.env) ? grants.env.flatMap(namesOf) : [];
  for (const name of listed) {
    const value = isGranted("env", name) ? Deno.env.get(name) : undefined;
    if (value !== undefined) env[name] = value;
  }
  return env;
}

/** Returns the variables that a name stands for: `A*` is all that start with `A`. */
function namesOf(name: string): string[] {
  if (!name.endsWith("*")) return [name];
  if (!isGranted("env")) {
    throw new Error(
      `Permission \`env\` cannot be given: to find the variables that "${name}" stands for, the program needs all of it; name them`,
    );
  }
  const start = name.slice(0, -1);
  return Object.keys(Deno.env.toObject())
    .filter((name) => name.startsWith(start));
}
