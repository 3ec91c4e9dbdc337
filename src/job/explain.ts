// Adds the likely reason to errors with which inline jobs often fail.

import type { PoolFunction } from "./functions.ts";
import { addToMessage } from "../values/reword.ts";

/** Adds to a job's error why a name or a module is missing, as far as the pool can tell. */
export function explain(error: unknown, { source }: PoolFunction): void {
  if (source === undefined || !(error instanceof Error)) return;
  const why = error instanceof ReferenceError
    ? whyUndefined(error, source)
    : whyNotImported(error);
  if (why !== undefined) addToMessage(error, why);
}

/** Names that web pages have and Deno does not. */
const OF_PAGES = /^(?:window|document|XMLHttpRequest|requestAnimationFrame)$/;
/** Names that compilers, bundlers and test tools add next to a function. */
const OF_TOOLS = /^(?:_|import_|cov_|React$)/;
/** Names that CommonJS modules have. */
const OF_COMMONJS = /^(?:require|module|exports|__dirname|__filename)$/;

/** Words of a source that can be names of variables, so no properties. */
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
  // Otherwise the code of a library, or a script that the job ran, uses the name.
  if (!source.match(NAMES)?.includes(name)) return undefined;
  if (OF_COMMONJS.test(name)) {
    return ` in the worker: an inline job has no \`${name}\`, use \`await import()\` inside, or pass values through args`;
  }
  if (OF_TOOLS.test(name)) {
    return ` in the worker: "${name}" may be a helper that a compiler or bundler has added outside of the function, move the function to a job module; an inline job cannot capture it, pass values through args`;
  }
  return ` in the worker: an inline job cannot capture "${name}", pass values through args; what you import, import inside with \`await import()\`, or move the function to a job module`;
}

/** Base of relative imports of inline jobs: the folder of the pool's own files. */
const OWN = new URL("../", import.meta.url);

/**
 * Deno's message when an inline job imports an unknown name. If a module imports
 * the name, the message has a second line with the place.
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
