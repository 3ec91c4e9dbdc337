// The permissions of a process, as flags of `deno run`. A process gets no more
// than the program has; what is not known of the program's own lists is not
// passed on.

import type { PermissionOptions } from "../options.ts";
import { nodeProcess } from "../values/node_process.ts";

/** The kinds of Deno's permissions. */
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

/** What a process may do of one kind: anything, nothing, or a list. */
export type Grant = boolean | string[];

/** What a process may do. */
export type Grants = Record<Kind, Grant>;

/** From these modules may be imported without any flag. */
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
 * What a process may do.
 *
 * @param env What of the environment says from where modules come
 * @throws {Error} If the program itself may not
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

/** The host of a URL, with its port. */
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
  // As it was given, too: an empty path would be where the program works.
  checkItems(kind, [...given.map(String), ...items]);
  for (const item of items) {
    if (!isGranted(kind, item)) throw lacking(kind, `"${item}"`);
    if (kind === "net" || kind === "import") checkWhole(kind, item);
  }
  return items.length > 0 && items;
}

/**
 * A host of which a part is denied is not given. Deno does not say so: where the
 * program may not do all of a kind, each port of the host is asked for.
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

/** What is known of hosts: to ask for all ports takes 0.1 s. */
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

/** A flag has no way to write a comma in an item, nor an empty one. */
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
  // Each kind looks at its own key only.
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
    // A flag may have a wildcard for a host; to ask for one is not possible.
    if (error instanceof URIError) return false;
    throw error;
  }
}

const PATHS: readonly Kind[] = ["read", "write", "run", "ffi"];

function textOf(kind: Kind, item: string | URL): string {
  if (!PATHS.includes(kind)) return String(item);
  if (item instanceof URL) return fromFileUrl(item);
  // A process may work elsewhere. A program without a slash is looked for.
  return kind === "run" && !/[\\/]/.test(item) ? item : absolute(item);
}

/** The path of a `file:` URL. */
export function fromFileUrl(url: URL): string {
  return nodeProcess().getBuiltinModule("node:url").fileURLToPath(url);
}

/** The `file:` URL of a path. */
export function toFileUrl(path: string): URL {
  return nodeProcess().getBuiltinModule("node:url").pathToFileURL(path);
}

/** A path from the root on, if the program may know where it works. */
function absolute(path: string): string {
  try {
    return nodeProcess().getBuiltinModule("node:path").resolve(path);
  } catch {
    return path;
  }
}

/** Whether a process may look at all files, and change them: those of its program, too. */
export function mayUseFiles({ read, write }: Grants): boolean {
  return read === true && write === true;
}

/** Whether a process may read where the program works. */
export function mayReadHere({ read }: Grants): boolean {
  if (!Array.isArray(read)) return read === true;
  const { isAbsolute, relative } = nodeProcess().getBuiltinModule("node:path");
  return read.some((directory) => {
    const way = relative(directory, absolute("."));
    return !isAbsolute(way) && !/^\.\.([\\/]|$)/.test(way);
  });
}

/** The flags that say so. */
export function permissionFlags(grants: Grants): string[] {
  const flags = ["--no-prompt"];
  for (const kind of PERMISSIONS) {
    const grant = grants[kind];
    if (grant === true) flags.push(`--allow-${kind}`);
    else if (Array.isArray(grant)) flags.push(`--allow-${kind}=${grant}`);
  }
  // Without a flag, some hosts and the registries are open to imports.
  if (grants.import === false) flags.push("--cached-only");
  // What a guest imports would stay on the disk.
  if (grants.write !== true) flags.push("--no-code-cache");
  return flags;
}

/** The kinds that it has not got as a whole. */
export function deniedKinds(grants: Grants): Deno.PermissionName[] {
  // Where nothing is loaded from the network, imports are said to be granted.
  return PERMISSIONS.filter((kind) => {
    return kind !== "import" && grants[kind] !== true;
  }) as Deno.PermissionName[];
}

/** By these Deno finds programs. */
export const FINDS_PROGRAMS = ["PATH", "PATHEXT"];

/**
 * The environment of a process: what it may read of it, and what Deno itself
 * needs there; `undefined` for all.
 */
export function environmentFor(
  grants: Grants,
  needed: Record<string, string>,
): Record<string, string> | undefined {
  if (grants.env === true) return undefined;
  const env = { ...needed };
  // Only programs are found by it.
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

/** A name may stand for all that begin like it. */
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
