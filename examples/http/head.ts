// The head of a request: its line and headers, and what they say of the body and the connection.
import { BODY_LIMIT, Refusal } from "./refusal.ts";

/** What the head of a request says. */
export interface Head {
  method: string;
  /** The target without its origin and query. */
  path: string;
  /** How many bytes the body has, or that it comes in chunks. */
  body: number | "chunked";
  /** Whether the client waits for a 100 before it sends the body. */
  expectsContinue: boolean;
  /** Whether another request may follow. */
  keepAlive: boolean;
}

const REQUEST_LINE = /^([!#$%&'*+.^_`|~\w-]+) ([!-~]+) HTTP\/1\.(\d)$/;
const HEADER = /^([!#$%&'*+.^_`|~\w-]+):([\P{Cc}\t]*)$/u;
const ORIGIN_OR_QUERY = /^https?:\/\/[^/?]*|\?.*$/gi;
const HOST = /^[ \t]*[\w.~!$&'()*+;=%:[\]-]*[ \t]*$/;
const LENGTH = /^[ \t]*(\d+)[ \t]*$/;
const CHUNKED = /^[ \t]*chunked[ \t]*$/i;

/**
 * Reads a head from its lines.
 *
 * @throws {Refusal} If it is malformed, or does not tell clearly where the body ends
 */
export function parseHead(lines: string): Head {
  const end = lines.indexOf("\r\n");
  const [, method, target, minor] =
    REQUEST_LINE.exec(lines.slice(0, Math.max(end, 0))) ?? [];
  if (target === undefined) throw new Refusal(400);
  const headers = parseHeaders(lines.slice(end + 2));
  const isOld = minor === "0";
  checkHost(headers.get("host"), isOld);
  return {
    method,
    path: target.replaceAll(ORIGIN_OR_QUERY, "") || "/",
    body: bodyLength(headers, isOld),
    expectsContinue: !isOld && lists(headers.get("expect"), "100-continue"),
    keepAlive: !lists(headers.get("connection"), "close") &&
      (!isOld || lists(headers.get("connection"), "keep-alive")),
  };
}

/**
 * Reads header lines. Lines of one name become one list, so that what has to be
 * there once is malformed when it is there twice.
 *
 * @throws {Refusal} If one is malformed
 */
export function parseHeaders(lines: string): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines.split("\r\n").slice(0, -1)) {
    const [, cased, value] = HEADER.exec(line) ?? [];
    if (cased === undefined) throw new Refusal(400);
    const name = cased.toLowerCase();
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return headers;
}

function checkHost(host: string | undefined, isOld: boolean): void {
  if (host === undefined ? !isOld : !HOST.test(host)) throw new Refusal(400);
}

function bodyLength(
  headers: Map<string, string>,
  isOld: boolean,
): number | "chunked" {
  const length = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  if (coding !== undefined) {
    // Two answers to where the body ends is how requests are smuggled in.
    if (length !== undefined || isOld) throw new Refusal(400);
    if (!CHUNKED.test(coding)) throw new Refusal(501);
    return "chunked";
  }
  if (length === undefined) return 0;
  const [, digits] = LENGTH.exec(length) ?? [];
  if (digits === undefined) throw new Refusal(400);
  if (Number(digits) > BODY_LIMIT) throw new Refusal(413);
  return Number(digits);
}

/** Whether a header's list has a word, in whatever case. */
function lists(header: string | undefined, word: string): boolean {
  return header !== undefined &&
    header.split(",").some((item) => item.trim().toLowerCase() === word);
}
