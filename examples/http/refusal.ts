// What a request is refused with, and the limits beyond which it is.

/** Bytes of a request's line and headers, and of the trailers of its body. */
export const HEAD_LIMIT = 8 * 1024;

/** Bytes of a request's body. */
export const BODY_LIMIT = 1024 * 1024;

/** The statuses that refuse a request before any page sees it. */
export type RefusalStatus = 400 | 413 | 431 | 501;

/** Thrown where a request cannot be read further: it also ends its connection. */
export class Refusal extends Error {
  override name = "Refusal";

  constructor(readonly status: RefusalStatus) {
    super(`The request is refused with ${status}`);
  }
}
