// Finds the user's frames in the stacks of errors.

/** Start of the URLs of the pool's own files. */
const OWN = decodeURI(new URL("../", import.meta.url).href);
/** The pool's files that call user code. */
const CALLERS = /^worker\//;
/** Start of a frame. */
const FRAME = /^\s+at (?:async )?/;
/** Start of the place in the rest of a frame. */
const PLACE = /(?:^| \()(?:file|https?):/;
/** End of a place. */
const LINE_AND_COLUMN = /:\d+:\d+$/;
const OF_RUNTIME = /^\s+at (?:async )?(?:.* \()?(?:ext|node):/;

/**
 * Returns the URL, line and column of a frame. A job can give its errors any stack, so
 * this takes time proportional to its length. Stacks show decoded URLs.
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

/** Returns URL, line and column of the first frame outside the pool, if any. */
export function placeOfCaller(): string | undefined {
  const { stack } = new Error();
  // A program can replace how stacks are made.
  if (typeof stack !== "string") return undefined;
  for (const line of stack.split("\n")) {
    const place = placeOf(line);
    if (place === undefined || place.startsWith(OWN)) continue;
    // A source name cannot have spaces or quotes.
    return encodeURI(place).replaceAll("'", "%27");
  }
}

/** Returns the stack of the pool's caller, without the pool's own frames. */
export function stackOfCaller(): string {
  const { stack } = new Error();
  // A program can replace how stacks are made.
  if (typeof stack !== "string") return "";
  const [, ...frames] = stack.split("\n");
  const first = frames.findIndex((frame) => !frame.includes(OWN));
  return first < 0 ? "" : frames.slice(first).join("\n");
}

/** Removes from a stack the frames of the pool that called user code. */
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
