// What the messages of a worker look like, for a process that may write anything:
// main reads on in a message only where its shape has been checked. Lists have no
// holes (one of a few bytes could claim to have billions of items), and errors are
// neither deep nor many.

import { WINDOW } from "../flow/window.ts";
import { areDetails } from "../moving/http_fields.ts";

/** Whether a value is what is expected. */
type Shape = (value: unknown) => boolean;
type Fields = Record<string, unknown>;

/** How deep errors may be nested in one, and how many there may be. */
const DEEPEST = 128;
const MOST_ERRORS = 10_000;

const anything: Shape = () => true;
const text: Shape = (value) => typeof value === "string";
const integer: Shape = Number.isSafeInteger;
const nothing: Shape = (value) => value === undefined;

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}

/** Whether a value is an amount of something. */
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

/** Whether a value is a packed error, and all that it refers to. */
export function isPackedError(value: unknown): boolean {
  const depths = new Map<unknown, number>([[value, 0]]);
  // It grows meanwhile.
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
  // Main numbers its own upwards.
  id: (id) => integer(id) && id as number < 0,
  credit: optional((credit) => isAmount(credit) && credit <= WINDOW),
  ended: optional(record({ error: optional(isPackedError) })),
});

/** A request or a response. */
function message(isRequest: boolean, fields: Record<string, Shape>): Shape {
  return record({
    ...fields,
    headers: listOf(pair(text, text)),
    details: (details) => areDetails(details, isRequest),
    body: (body) => !(isObject(body) && "kind" in body) || stream(body),
  });
}

/** What can move back. */
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

/** Whether a value is a message of a worker, events of channels aside. */
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
