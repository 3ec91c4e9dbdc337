// A response with a short text, or without a body, travels in shared memory, as
// any other short result does.

import { arrayPrototype, stringify, unbind } from "../values/intrinsics.ts";
import { markOf } from "../values/thread_state.ts";
import {
  detailsOf,
  headersIn,
  headersOf,
  isEmpty,
  makeResponse,
  wholeBody,
} from "./http_fields.ts";

const TYPE = "content-type";
const lower = unbind(String.prototype.toLowerCase);
/** A longer one goes by message. */
const MAX_TEXT_LENGTH = 16 * 1024;

/** What there is to tell: the status, its text, the body, and each header's name and value. */
type Told = [
  status: number,
  statusText: string,
  body: string | null,
  ...headers: string[],
];

/**
 * A response as text, if it can be one; never throws.
 *
 * @param Response The class, as it was before a job could replace it
 */
export function textOfResponse(
  value: unknown,
  Response: typeof globalThis.Response,
): string | undefined {
  try {
    return value instanceof Response ? textOf(value) : undefined;
  } catch {
    // A job may have broken anything: what packs the value in another way says what.
  }
}

function textOf(value: Response): string | undefined {
  if (markOf(value) !== undefined) return undefined;
  // A job may have given one to all lists.
  if ("toJSON" in arrayPrototype) return undefined;
  const body = isEmpty(value) ? null : wholeBody(value);
  if (body === undefined || typeof body === "object" && body !== null) {
    return undefined;
  }
  const { status, statusText } = value;
  if (status < 200 || detailsOf(value) !== undefined) return undefined;
  const told: Told = [status, statusText, body];
  let hasType = body === null;
  let length = body?.length ?? 0;
  const headers = headersOf(value);
  for (let i = 0; i < headers.length; i++) {
    const { 0: name, 1: text } = headers[i];
    told[told.length] = name;
    told[told.length] = text;
    length += name.length + text.length;
    if (name.length === TYPE.length) hasType ||= lower(name) === TYPE;
  }
  // As text it would get a type where it arrives.
  return hasType && length <= MAX_TEXT_LENGTH ? stringify(told) : undefined;
}

/** The response that was told as a text. */
export function responseOf(told: unknown): Response {
  const [status, statusText, body] = told as Told;
  const headers = headersIn(told as Told);
  return makeResponse({ status, statusText, headers }, body ?? undefined);
}
