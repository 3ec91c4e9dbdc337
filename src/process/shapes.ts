// Checks the shapes of messages from a process, which can write anything. Main reads
// only the parts of a message whose shape was checked. Lists have no holes, because a
// list of a few bytes could claim billions of items. The depth and number of nested
// errors are limited.

import { WINDOW } from "../flow/window.ts";
import { areDetails } from "../moving/http_fields.ts";

/** Returns whether a value has a shape. */
type Shape = (value: unknown) => boolean;
type Fields = Record<string, unknown>;

/** Maximum depth of nested errors, and maximum number of errors. */
const DEEPEST = 128;
const MOST_ERRORS = 10_000;

const anything: Shape = () => true;
const text: Shape = (value) => typeof value === "string";
const integer: Shape = Number.isSafeInteger;
const nothing: Shape = (value) => value === undefined;

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** Whether a value is a finite number that is not negative. */
export function isAmount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && value < Infinity;
}

/** Whether a value is an array without holes. */
export function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && Object.keys(value).length === value.length;
}

function optional(shape: Shape): Shape {
  return (value) => value === undefined || shape(value);
}

function listOf(shape: Shape): Shape {
  return (value) => isList(value) && value.every(shape);
}

function pair(first: Shape, second: Shape): Shape {
  return (value) =>
    isList(value) && value.length === 2 && first(value[0]) && second(value[1]);
}

function record(fields: Record<string, Shape>): Shape {
  const all = Object.entries(fields);
  return (value) =>
    isObject(value) && all.every(([name, shape]) => shape(value[name]));
}

function oneOf(kinds: Record<string, Shape>): Shape {
  return (value) =>
    isObject(value) && typeof value.kind === "string" &&
    Object.hasOwn(kinds, value.kind) && kinds[value.kind](value);
}

const oneError = record({
  base: text,
  name: text,
  message: text,
  stack: optional(text),
  nested: listOf(pair(text, isObject)),
  errors: optional(listOf(isObject)),
  properties: (value) => isObject(value) && !Array.isArray(value),
  hidden: optional(listOf(text)),
});

/** Whether a value, and each error that it refers to, is a packed error. */
export function isPackedError(value: unknown): boolean {
  const depths = new Map<unknown, number>([[value, 0]]);
  // The map grows during the loop.
  for (const [error, depth] of depths) {
    if (depth > DEEPEST || depths.size > MOST_ERRORS || !isObject(error)) {
      return false;
    }
    if (Object.hasOwn(error, "thrown")) continue;
    if (!oneError(error)) return false;
    const { nested, errors = [] } = error as {
      nested: [string, unknown][];
      errors?: unknown[];
    };
    for (const inner of [...nested.map(([, inner]) => inner), ...errors]) {
      if (!depths.has(inner)) depths.set(inner, depth + 1);
    }
  }
  return true;
}

const stream = record({
  // A process numbers its channels downwards, and main upwards.
  id: (id) => integer(id) && id as number < 0,
  credit: optional((credit) => isAmount(credit) && credit <= WINDOW),
  ended: optional(record({ error: optional(isPackedError) })),
});

/** Returns the shape of a request or a response. */
function message(isRequest: boolean, fields: Record<string, Shape>): Shape {
  return record({
    ...fields,
    headers: listOf(pair(text, text)),
    details: (details) => areDetails(details, isRequest),
    body: (body) => !(isObject(body) && "kind" in body) || stream(body),
  });
}

/** Descriptions of values that can move to main. */
const moved = oneOf({
  readable: stream,
  writable: stream,
  transform: record({ readable: stream, writable: stream }),
  request: message(true, {
    url: text,
    method: text,
    signal: nothing,
    aborted: optional(isPackedError),
  }),
  response: message(false, { status: integer, statusText: text }),
  value: record({ type: text }),
});

const ending = oneOf({
  value: record({ moved: optional(listOf(pair(isObject, moved))) }),
  error: record({ error: isPackedError }),
  "not-found": record({ message: text }),
  "not-cloneable": record({ message: text }),
  "timed-out": anything,
});

/** Whether a value is a message of a worker; events of channels are not checked. */
export const isMessage: Shape = oneOf({
  ready: anything,
  grown: anything,
  guarded: anything,
  stops: anything,
  stopped: anything,
  "stop-failed": record({ error: isPackedError }),
  failed: record({ error: isPackedError }),
  crashed: record({ error: isPackedError }),
  started: record({ seq: integer }),
  waits: record({ seq: integer }),
  ended: record({ seq: integer, ending }),
  flow: record({
    events: (events) => isList(events) && events.length % 3 === 0,
  }),
});
