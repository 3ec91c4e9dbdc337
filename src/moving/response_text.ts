// Sends a response with a short text, or without a body, through shared memory, as
// other short results.

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
/** Maximum length of the body and headers. A longer response goes by message. */
const MAX_TEXT_LENGTH = 16 * 1024;

/** A response as data: status, status text, body, and each header's name and value. */
type Told = [
  status: number,
  statusText: string,
  body: string | null,
  ...headers: string[],
];

/**
 * Returns a response as text, if that is possible. Never throws.
 *
 * @param Response The class, saved before a job can replace it
 */
export function textOfResponse(
  value: unknown,
  Response: typeof globalThis.Response,
): string | undefined {
  try {
    return value instanceof Response ? textOf(value) : undefined;
  } catch {
    // A job may have changed built-ins. Packing the value will report the error.
  }
}

function textOf(value: Response): string | undefined {
  if (markOf(value) !== undefined) return undefined;
  // A job may have added `toJSON` to all arrays.
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
  // As text, it would get a content type where it arrives.
  return hasType && length <= MAX_TEXT_LENGTH ? stringify(told) : undefined;
}

/** Makes a response from its data. */
export function responseOf(told: unknown): Response {
  const [status, statusText, body] = told as Told;
  const headers = headersIn(told as Told);
  return makeResponse({ status, statusText, headers }, body ?? undefined);
}
