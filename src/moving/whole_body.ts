// The body of a `Request` or a `Response` that was made of text or of bytes: by
// private fields of Deno's, since otherwise it is to be had only as a stream,
// which costs more than all else of a small response.

import { isUnshared } from "../flow/bytes.ts";
import { innerOf } from "./http_fields.ts";

/** A body that is no stream. */
export type WholeBody = string | Uint8Array<ArrayBuffer>;

/** The body of a message, if it is here and whole, and Deno tells; else it is read as a stream. */
export function wholeBody(message: Request | Response): WholeBody | undefined {
  // What was made of a text is in another place until its headers are asked for.
  if (!message.headers) return undefined;
  const { body, consumed } = innerOf(message)?.body?.streamOrStatic ?? {};
  if (consumed !== false) return undefined;
  return isUnshared(body) || typeof body === "string" ? body : undefined;
}
