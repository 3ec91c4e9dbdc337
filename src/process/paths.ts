// Paths of files, by modules which only those pay for who need them.

import process from "node:process";

/** The path of a `file:` URL. */
export function fromFileUrl(url: URL): string {
  return process.getBuiltinModule("node:url").fileURLToPath(url);
}

/** A path from the root on, if the program may know where it works. */
export function absolute(path: string): string {
  try {
    return process.getBuiltinModule("node:path").resolve(path);
  } catch {
    return path;
  }
}

/** Whether a path is that of a directory, or of something in it. */
export function isWithin(path: string, directory: string): boolean {
  const { isAbsolute, relative } = process.getBuiltinModule("node:path");
  const way = relative(directory, path);
  return !isAbsolute(way) && way !== ".." && !/^\.\.[\\/]/.test(way);
}
