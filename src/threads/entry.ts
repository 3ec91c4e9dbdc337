// What a thread executes first.

/** The entry of a worker. */
export const ENTRY = new URL("../worker/main.ts", import.meta.url);

/**
 * Never called. That the entry is named in an import puts it into the module
 * graph, so that it is checked, cached and published with the package.
 */
export const importEntry = (): Promise<unknown> => import("../worker/main.ts");

/**
 * An entry that names the pool's module as well: what a thread's first module
 * names is loaded with the permissions of what starts the thread, and so even
 * a thread without any can execute it.
 */
export function entryWith(module: string | undefined): URL {
  return dataUrl(`${mention(module)}
import { listen } from ${text(ENTRY.href)};
listen();`);
}

function mention(module: string | undefined): string {
  return module === undefined ? "" : `() => import(${text(module)});`;
}

function text(url: string): string {
  return JSON.stringify(url);
}

function dataUrl(source: string): URL {
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
