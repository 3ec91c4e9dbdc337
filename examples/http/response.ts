// A response as the bytes that go over the connection.

/** What answers a request. */
export interface Answer {
  status: keyof typeof REASONS;
  type: string;
  body: Uint8Array;
  /** The methods that a 405 names. */
  allow?: string;
}

/** What a response has to know of its request and connection. */
export interface ResponseOptions {
  /** Whether another request may follow. */
  keepAlive: boolean;
  /** Whether the body is left out, as the answer to `HEAD`. */
  headOnly: boolean;
}

const REASONS = {
  200: "OK",
  400: "Bad Request",
  404: "Not Found",
  405: "Method Not Allowed",
  413: "Content Too Large",
  431: "Request Header Fields Too Large",
  501: "Not Implemented",
};

const encoder = new TextEncoder();

/** Tells a client to go on and send the body. */
export const CONTINUE = encoder.encode("HTTP/1.1 100 Continue\r\n\r\n");

/** Head and body in one piece, so that they leave with one write. */
export function encodeResponse(
  { status, type, body, allow }: Answer,
  { keepAlive, headOnly }: ResponseOptions,
): Uint8Array {
  const head = `HTTP/1.1 ${status} ${REASONS[status]}\r\n` +
    `Date: ${date()}\r\n` +
    `Content-Type: ${type}\r\n` +
    `Content-Length: ${body.length}\r\n` +
    (allow === undefined ? "" : `Allow: ${allow}\r\n`) +
    `Connection: ${keepAlive ? "keep-alive" : "close"}\r\n\r\n`;
  if (headOnly) return encoder.encode(head);
  const bytes = new Uint8Array(head.length + body.length);
  encoder.encodeInto(head, bytes); // all of it is ASCII: a byte a character
  bytes.set(body, head.length);
  return bytes;
}

let dateSecond = 0;
let dateText = "";

/** The time, as text that is made once a second. */
function date(): string {
  const now = Date.now();
  const second = now - now % 1000;
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = new Date(second).toUTCString();
  }
  return dateText;
}
