// Stacks of errors: which frames are the user's.

/** What the URLs of the pool's own files begin with. */
const OWN = decodeURI(new URL("../", import.meta.url).href);
/** The pool's files that call what is the user's. */
const CALLERS = /^worker\//;
/** How a frame begins. */
const FRAME = /^\s+at (?:async )?/;
/** Where, in what follows, its place begins. */
const PLACE = /(?:^| \()(?:file|https?):/;
/** How a place ends. */
const LINE_AND_COLUMN = /:\d+:\d+$/;
const OF_RUNTIME = /^\s+at (?:async )?(?:.* \()?(?:ext|node):/;

/**
 * URL, line and column of a frame, in time that is proportional to its length: a
 * job can give its errors stacks of its own. Stacks show URLs decoded.
 */
function placeOf(frame: string): string | undefined {
  const head = FRAME.exec(frame)?.[0];
  if (head === undefined) return undefined;
  const rest = frame.slice(head.length, frame.endsWith(")") ? -1 : undefined);
  const at = rest.search(PLACE);
  if (at < 0) return undefined;
  const place = rest.slice(rest.startsWith(" (", at) ? at + 2 : at);
  const isOfFile = LINE_AND_COLUMN.test(place) &&
    !place.includes("<anonymous>");
  return isOfFile ? place : undefined;
}

/** URL, line and column of the first frame that is not the pool's, if there is one. */
export function placeOfCaller(): string | undefined {
  const { stack } = new Error();
  // A program can make stacks of its own.
  if (typeof stack !== "string") return undefined;
  for (const line of stack.split("\n")) {
    const place = placeOf(line);
    if (place === undefined || place.startsWith(OWN)) continue;
    // A source cannot be named with spaces or quotes.
    return encodeURI(place).replaceAll("'", "%27");
  }
}

/** The stack of the pool's caller, without the pool's own frames. */
export function stackOfCaller(): string {
  const { stack } = new Error();
  // A program can make stacks of its own.
  if (typeof stack !== "string") return "";
  const [, ...frames] = stack.split("\n");
  const first = frames.findIndex((frame) => !frame.includes(OWN));
  return first < 0 ? "" : frames.slice(first).join("\n");
}

/** A stack without the frames of the pool that has called what is the user's. */
export function withoutCallers(stack: string): string {
  const lines = stack.split("\n");
  let end = lines.findIndex((line) => {
    const place = placeOf(line);
    return place?.startsWith(OWN) && CALLERS.test(place.slice(OWN.length));
  });
  if (end < 0) return stack;
  while (OF_RUNTIME.test(lines[end - 1])) end--;
  return lines.slice(0, end).join("\n");
}
