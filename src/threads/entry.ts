// Finds and builds the first module that a thread runs.

/** URL of the entry module of a worker. */
export const ENTRY = new URL("../worker/main.ts", import.meta.url);

/**
 * Never called. The import puts the entry into the module graph, so Deno checks,
 * caches and publishes the entry with the package.
 */
export const importEntry = (): Promise<unknown> => import("../worker/main.ts");

/**
 * Returns a first module that names the pool's module and calls a function of an
 * entry. Deno loads the modules that the first module names with the permissions of
 * the program, so a worker without permissions can run them.
 */
export function entryWith(
  module: string | undefined,
  entry: URL,
  start: "listen" | "serve",
): URL {
  const mention = module === undefined
    ? ""
    : `() => import(${JSON.stringify(module)});`;
  const source = `${mention}
import { ${start} } from ${JSON.stringify(entry.href)};
${start}();`;
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
