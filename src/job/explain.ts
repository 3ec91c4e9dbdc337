// Says of errors that inline jobs often fail with what lies behind.

import type { PoolFunction } from "./functions.ts";
import { addToMessage } from "../values/reword.ts";

/** Adds to a job's error why a name or a module is not there, as far as that can be known. */
export function explain(error: unknown, { source }: PoolFunction): void {
  if (source === undefined || !(error instanceof Error)) return;
  const why = error instanceof ReferenceError
    ? whyUndefined(error, source)
    : whyNotImported(error);
  if (why !== undefined) addToMessage(error, why);
}

/** What web pages have, and Deno has not. */
const OF_PAGES = /^(?:window|document|XMLHttpRequest|requestAnimationFrame)$/;
/** What compilers, bundlers and test tools put beside a function. */
const OF_TOOLS = /^(?:_|import_|cov_|React$)/;
/** What CommonJS modules have. */
const OF_COMMONJS = /^(?:require|module|exports|__dirname|__filename)$/;

/** Words of a source that may be names of variables: no properties. */
const NAMES =
  /(?<![\p{ID_Continue}$]|(?<!\.\.)\.)[\p{ID_Start}$_][\p{ID_Continue}$]*/gu;

function whyUndefined(
  { message }: ReferenceError,
  source: string,
): string | undefined {
  const name = /^(\S+) is not defined$/.exec(message)?.[1];
  if (name === undefined) return undefined;
  if (name in globalThis) {
    return `: workers have no \`${name}\`, use it on the main thread and pass values through args`;
  }
  if (OF_PAGES.test(name)) {
    return `: Deno has no \`${name}\`, neither on the main thread nor in workers`;
  }
  // Otherwise the code of a library misses it, or a script that the job has run.
  if (!source.match(NAMES)?.includes(name)) return undefined;
  if (OF_COMMONJS.test(name)) {
    return ` in the worker: an inline job has no \`${name}\`, use \`await import()\` inside, or pass values through args`;
  }
  if (OF_TOOLS.test(name)) {
    return ` in the worker: "${name}" may be a helper that a compiler or bundler has added outside of the function, move the function to a job module; an inline job cannot capture it, pass values through args`;
  }
  return ` in the worker: an inline job cannot capture "${name}", pass values through args; what you import, import inside with \`await import()\`, or move the function to a job module`;
}

/** Where relative imports of inline jobs are looked for: beside the pool's own files. */
const OWN = new URL("../", import.meta.url);

/**
 * What Deno says of a name that an inline job imports and that it does not know.
 * Where a module imports it, a place follows in a second line.
 */
const OF_NAME = /^Import "([^"]+)" not a dependency[^\n]*$/;

function whyNotImported({ message }: Error): string | undefined {
  const name = OF_NAME.exec(message)?.[1];
  if (name !== undefined) {
    return `: an inline job knows the names in the imports of a deno.json, and none of a package.json, import "npm:${name}", or pass import.meta.resolve("${name}") through args`;
  }
  if (!message.includes(OWN.href) && !message.includes(`"${OWN.pathname}`)) {
    return undefined;
  }
  return `: there is nothing that a relative import of an inline job could start from, import an absolute URL, such as \`import.meta.resolve()\` gives, passed through args`;
}
