// The body of a `Request` or a `Response` that was made of text or of bytes: by
// private fields of Deno's, since otherwise it is to be had only as a stream,
// which costs more than all else of a small response.

import { isUnshared } from "../flow/bytes.ts";

/** A body that is no stream. */
export type WholeBody = string | Uint8Array<ArrayBuffer>;

/** What Deno keeps of a message. */
interface Inner {
  body?: { streamOrStatic?: { body?: unknown; consumed?: unknown } } | null;
}

const REQUEST = fieldOf(new Request("data:,"), "request");
const RESPONSE = fieldOf(new Response(), "response");

function fieldOf(message: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(message)
    .find(({ description }) => description === name);
}

/** The body of a message, if it is here and whole, and Deno tells; else it is read as a stream. */
export function wholeBody(message: Request | Response): WholeBody | undefined {
  const field = message instanceof Request ? REQUEST : RESPONSE;
  // What was made of a text is in another place until its headers are asked for.
  if (field === undefined || !message.headers) return undefined;
  const inner = (message as unknown as Record<symbol, Inner>)[field];
  const { body, consumed } = inner?.body?.streamOrStatic ?? {};
  if (consumed !== false) return undefined;
  return isUnshared(body) || typeof body === "string" ? body : undefined;
}
