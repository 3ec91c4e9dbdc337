// What a thread executes first.

/** The entry of a worker. */
export const ENTRY = new URL("../worker/main.ts", import.meta.url);

/**
 * Never called. That the entry is named in an import puts it into the module
 * graph, so that it is checked, cached and published with the package.
 */
export const importEntry = (): Promise<unknown> => import("../worker/main.ts");

/**
 * A first module that names the pool's module, and calls a function of an entry:
 * what the first module names is loaded with the permissions of the program, so that
 * a worker without any can execute it.
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
