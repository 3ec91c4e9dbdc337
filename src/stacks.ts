// Stacks of errors: which frames are the user's.

/** What the URLs of the pool's own files begin with. */
const OWN = decodeURI(new URL("./", import.meta.url).href);
/** The pool's files that call what is the user's. */
const CALLERS = /^worker\/(?:core|executor|guard|handlers|main)\./;
/** A frame with its place: URL, line and column. Stacks show URLs decoded. */
const FRAME =
  /^\s+at (?:async )?(?:.*? \()?((?:file|https?):(?:(?!<anonymous>).)*:\d+:\d+)\)?$/;
const OF_RUNTIME = /^\s+at (?:async )?(?:.* \()?(?:ext|node):/;

/** URL, line and column of the first frame that is not the pool's, if there is one. */
export function placeOfCaller(): string | undefined {
  const { stack } = new Error();
  // A program can make stacks of its own.
  if (typeof stack !== "string") return undefined;
  for (const line of stack.split("\n")) {
    const place = FRAME.exec(line)?.[1];
    if (place === undefined || place.startsWith(OWN)) continue;
    // A source cannot be named with spaces or quotes.
    return encodeURI(place).replaceAll("'", "%27");
  }
}

/** A stack without the frames of the pool that has called what is the user's. */
export function withoutCallers(stack: string): string {
  const lines = stack.split("\n");
  let end = lines.findIndex((line) => {
    const place = FRAME.exec(line)?.[1];
    return place?.startsWith(OWN) && CALLERS.test(place.slice(OWN.length));
  });
  if (end < 0) return stack;
  while (OF_RUNTIME.test(lines[end - 1])) end--;
  return lines.slice(0, end).join("\n");
}
