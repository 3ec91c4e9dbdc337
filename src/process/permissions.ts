// The permissions of a process, as flags of `deno run`. A process gets no more
// than the program has; what is not known of the program's own lists is not
// passed on.

import process from "node:process";
import { PERMISSIONS } from "../options.ts";

type Kind = typeof PERMISSIONS[number];

/** What a process may do of one kind: anything, nothing, or a list. */
export type Grant = boolean | string[];

/** What a process may do. */
export type Grants = Record<Kind, Grant | "default">;

/**
 * What a process may do.
 *
 * @throws {Error} If the program itself may not
 */
export function grantsFor(
  permissions: Deno.PermissionOptions | undefined,
): Grants {
  const grants = {} as Grants;
  for (const kind of PERMISSIONS) {
    grants[kind] = grantOf(kind, permissions);
  }
  return grants;
}

function grantOf(
  kind: Kind,
  permissions: Deno.PermissionOptions | undefined,
): Grant | "default" {
  if (permissions === "none") return false;
  const wanted = permissions === undefined || permissions === "inherit"
    ? "inherit"
    : (permissions as Record<Kind, unknown>)[kind] ?? false;
  if (wanted === "inherit") {
    if (isGranted({ name: kind })) return true;
    // Some hosts may be imported from without any flag.
    return kind === "import" ? "default" : false;
  }
  if (wanted === true && !isGranted({ name: kind })) throw lacking(kind);
  if (!Array.isArray(wanted)) return wanted as boolean;
  const items = wanted.map((item) => textOf(kind, item));
  // As it was given: an empty path would be where the program works.
  checkItems(kind, [...wanted.map(String), ...items]);
  for (const item of items) {
    if (!isGranted(descriptor(kind, item))) throw lacking(kind, item);
  }
  return items.length > 0 && items;
}

/** A flag has no way to write a comma in an item, nor an empty one. */
function checkItems(kind: Kind, items: string[]): void {
  const wrong = items.find((item) => item === "" || item.includes(","));
  if (wrong === undefined) return;
  throw new Error(
    `Permission \`${kind}\` cannot be given to a process: expected no comma and no empty text in its list, got "${wrong}"`,
  );
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
  return process.getBuiltinModule("node:url").fileURLToPath(url);
}

/** A path from the root on, if the program may know where it works. */
function absolute(path: string): string {
  try {
    return process.getBuiltinModule("node:path").resolve(path);
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
  const { isAbsolute, relative } = process.getBuiltinModule("node:path");
  return read.some((directory) => {
    const way = relative(directory, absolute("."));
    return !isAbsolute(way) && !/^\.\.([\\/]|$)/.test(way);
  });
}

const KEYS: Record<Kind, string> = {
  read: "path",
  write: "path",
  net: "host",
  env: "variable",
  run: "command",
  ffi: "path",
  import: "host",
  sys: "kind",
};

function descriptor(name: Kind, item: string): Deno.PermissionDescriptor {
  return { name, [KEYS[name]]: item } as unknown as Deno.PermissionDescriptor;
}

function isGranted(
  descriptor: { name: Kind } | Deno.PermissionDescriptor,
): boolean {
  const { state, partial } = Deno.permissions.querySync(
    descriptor as Deno.PermissionDescriptor,
  );
  return state === "granted" && !partial;
}

function lacking(kind: Kind, item?: string): Error {
  const what = item === undefined ? `all of "${kind}"` : `"${item}"`;
  return new Error(
    `Permission \`${kind}\` cannot be given: the program itself has not got ${what}`,
  );
}

/** The flags that say so. */
export function permissionFlags(grants: Grants): string[] {
  const flags = ["--no-prompt"];
  for (const kind of PERMISSIONS) {
    const grant = grants[kind];
    if (grant === true) flags.push(`--allow-${kind}`);
    else if (Array.isArray(grant)) {
      flags.push(`--allow-${kind}=${grant.join(",")}`);
    }
  }
  // Without a flag, some hosts and the registries are open to imports.
  if (grants.import === false) flags.push("--cached-only");
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
  for (const variable of listed) {
    if (!isGranted({ name: "env", variable })) continue;
    const value = Deno.env.get(variable);
    if (value !== undefined) env[variable] = value;
  }
  return env;
}

/** A name may stand for all that begin like it. */
function namesOf(name: string): string[] {
  if (!name.endsWith("*")) return [name];
  if (!isGranted({ name: "env" })) return [];
  const start = name.slice(0, -1);
  return Object.keys(Deno.env.toObject())
    .filter((name) => name.startsWith(start));
}
