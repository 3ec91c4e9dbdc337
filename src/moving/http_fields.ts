// What Deno keeps of a `Request` or a `Response` in private fields. A client of
// `Deno.serve` sends URLs and methods that the constructors refuse, and `fetch()`
// gives responses that nothing else can make: only these fields hold them. Where
// Deno has no such fields, what can be seen of the message itself is defined.

import { isUnshared } from "../flow/bytes.ts";

/** A body that is no stream. */
export type WholeBody = string | Uint8Array<ArrayBuffer>;

/** A header, as it was given. */
export type Header = [name: string, value: string];

/** What a message is beside its URL, method, status, headers and body, where it differs from one made by hand. */
export type Details = Record<string, unknown>;

/** What Deno keeps of a message. */
interface Inner extends Record<string, unknown> {
  headerList?: Header[];
  body?: { streamOrStatic?: { body?: unknown; consumed?: unknown } } | null;
  urlList?: unknown[];
}

type Fields = Record<symbol, unknown>;

const aRequest = new Request("data:,");
const aResponse = new Response();
const REQUEST = fieldOf(aRequest, "request");
const RESPONSE = fieldOf(aResponse, "response");
const SIGNAL = fieldOf(aRequest, "signalCache");
const HEADERS = fieldOf(aRequest, "headers cache");
const REQUEST_GUARD = fieldOf(aRequest, "headers guard");
const RESPONSE_GUARD = fieldOf(aResponse, "headers guard");

/** What a request and a response hold that were made by hand, without any options. */
const REQUEST_DEFAULTS: Details = {
  cacheMode: undefined,
  credentialsMode: undefined,
  integrity: undefined,
  keepalive: undefined,
  mode: undefined,
  priority: undefined,
  redirectMode: "follow",
  referrer: undefined,
  referrerPolicy: undefined,
};
const RESPONSE_DEFAULTS: Details = { bodyDecoded: false, type: "default" };
const REQUEST_KEYS = Object.keys(REQUEST_DEFAULTS);
const RESPONSE_KEYS = Object.keys(RESPONSE_DEFAULTS);

/** Any that can be parsed: the real one is put in its place. */
const SOME_URL = "http://localhost/";

function fieldOf(message: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(message)
    .find(({ description }) => description === name);
}

/** What Deno keeps of a message, if it tells. */
export function innerOf(message: Request | Response): Inner | undefined {
  const field = message instanceof Request ? REQUEST : RESPONSE;
  if (field === undefined) return undefined;
  return (message as unknown as Fields)[field] as Inner | undefined;
}

/**
 * The body of a message that was made of text or bytes, if Deno tells; else it is
 * read as a stream, which costs more than all else of a small response.
 */
export function wholeBody(message: Request | Response): WholeBody | undefined {
  // What was made of a text is in another place until its headers are asked for.
  if (!message.headers) return undefined;
  const { body, consumed } = innerOf(message)?.body?.streamOrStatic ?? {};
  if (consumed !== false) return undefined;
  return isUnshared(body) || typeof body === "string" ? body : undefined;
}

/** Whether what is put into these fields is what the message is from then on. */
const isRequestKept = canRestoreRequest();
const isResponseKept = Array.isArray(innerOf(aResponse)?.urlList) &&
  RESPONSE_GUARD !== undefined;

function canRestoreRequest(): boolean {
  const fields = [REQUEST, SIGNAL, HEADERS, REQUEST_GUARD];
  if (fields.includes(undefined)) return false;
  const url = "http://a b/";
  const made = restoreRequest(new Request(SOME_URL), url, "TRACE", [["a", "b"]])
    .clone();
  return made.url === url && made.method === "TRACE" &&
    made.headers.get("a") === "b";
}

/** A copy of the headers, in the order and the case in which they were given. */
export function headersOf(message: Request | Response): Header[] {
  const { headers } = message;
  const list = innerOf(message)?.headerList;
  return list?.map(([name, value]) => [name, value]) ?? [...headers];
}

/** What else a message is. */
export function detailsOf(message: Request | Response): Details | undefined {
  const isRequest = message instanceof Request;
  const inner = innerOf(message);
  if (inner === undefined || !(isRequest ? isRequestKept : isResponseKept)) {
    return isRequest ? { redirect: message.redirect } : { url: message.url };
  }
  const keys = isRequest ? REQUEST_KEYS : RESPONSE_KEYS;
  const defaults = isRequest ? REQUEST_DEFAULTS : RESPONSE_DEFAULTS;
  let details: Details | undefined;
  for (const key of keys) {
    const value = inner[key];
    if (value !== defaults[key]) (details ??= {})[key] = value;
  }
  if (!isRequest && inner.urlList!.length > 0) {
    (details ??= {}).urlList = inner.urlList;
  }
  if (isImmutable(message, isRequest)) (details ??= {}).immutable = true;
  return details;
}

/** Whether something is such details, wherever it comes from: they become Deno's own fields. */
export function areDetails(details: unknown, isRequest: boolean): boolean {
  if (details === undefined) return true;
  if (typeof details !== "object" || details === null) return false;
  const keys = isRequest
    ? isRequestKept ? REQUEST_KEYS : ["redirect"]
    : isResponseKept
    ? [...RESPONSE_KEYS, "urlList"]
    : ["url"];
  return Object.entries(details).every(([key, value]) => {
    if (key === "immutable") return value === true;
    if (!keys.includes(key)) return false;
    return key === "urlList"
      ? Array.isArray(value) && value.every((url) => typeof url === "string")
      : ["string", "boolean", "undefined"].includes(typeof value);
  });
}

function isImmutable(message: object, isRequest: boolean): boolean {
  const field = isRequest ? REQUEST_GUARD : RESPONSE_GUARD;
  return field !== undefined && (message as Fields)[field] === "immutable";
}

/** A request that is what another one was in the thread from which it came. */
export function makeRequest(
  url: string,
  method: string,
  headers: Header[],
  body: BodyInit | undefined,
  { immutable, ...details }: Details = {},
): Request {
  if (!isRequestKept) {
    return define(constructRequest(url, method, headers, body), details);
  }
  // What a `blob:` URL stands for is looked up when its request is made.
  const parsable = url.startsWith("blob:") ? url : SOME_URL;
  const init = { method: "POST", body };
  const request = new Request(parsable, init);
  return restoreRequest(request, url, method, headers, details, immutable);
}

/** A request as its constructor makes it; if it makes no such one, only its own properties tell. */
function constructRequest(
  url: string,
  method: string,
  headers: Header[],
  body: BodyInit | undefined,
): Request {
  try {
    return new Request(url, { method, headers, body });
  } catch {
    const request = new Request(SOME_URL, { method: "POST", headers, body });
    return define(request, { url, method });
  }
}

function restoreRequest(
  request: Request,
  url: string,
  method: string,
  headers: Header[],
  details?: Details,
  immutable?: unknown,
): Request {
  const inner = innerOf(request)!;
  inner.urlList = [() => url];
  inner.urlListProcessed = [url];
  inner.method = method;
  inner.headerList = headers;
  Object.assign(inner, details);
  // They are made anew of that list when they are asked for.
  const fields = request as unknown as Fields;
  fields[HEADERS!] = undefined;
  fields[REQUEST_GUARD!] = immutable ? "immutable" : "request";
  return request;
}

/** A response that is what another one was in the thread from which it came. */
export function makeResponse(
  status: number,
  statusText: string,
  headers: Header[],
  body: BodyInit | undefined,
  details: Details | undefined,
): Response {
  if (status === 0) return Response.error();
  // Others than these come from servers only.
  const isCommon = status >= 200 && status <= 599;
  const init = { status: isCommon ? status : 200, statusText, headers };
  const response = new Response(body, init);
  if (isCommon && details === undefined) return response;
  if (!isResponseKept) return define(response, { ...details, status });
  const inner = innerOf(response)!;
  const { immutable, ...rest } = details ?? {};
  Object.assign(inner, rest);
  if (immutable) (response as unknown as Fields)[RESPONSE_GUARD!] = "immutable";
  if (!isCommon) {
    // Deno.serve has its answer ready, with the other status, until they are asked for.
    void response.headers;
    inner.status = status;
  }
  return response;
}

function define<T extends object>(message: T, values: Details): T {
  for (const [key, value] of Object.entries(values)) {
    Object.defineProperty(message, key, { value });
  }
  return message;
}

/**
 * Whether a request may abort, or has done so, as far as that is known without
 * asking for its signal: one of `Deno.serve` begins to watch its client then.
 */
export function abortStateOf(request: Request): "never" | "may" | "has" {
  if (SIGNAL === undefined) return "may";
  const isServed = typeof innerOf(request)?.onCancel === "function";
  // One that has moved, and whose signal nobody has asked for, is not asked either.
  if (!isServed && Object.getOwnPropertyDescriptor(request, SIGNAL)?.get) {
    return "may";
  }
  const signal = (request as unknown as Fields)[SIGNAL];
  if (signal === undefined) return isServed ? "may" : "never";
  // The client of Deno.serve was gone before anybody asked.
  if (signal === false) return "has";
  return (signal as AbortSignal).aborted ? "has" : "may";
}

/** Gives a request its signal when it is asked for, be it by a clone. */
export function followSignal(request: Request, get: () => AbortSignal): void {
  Object.defineProperty(request, SIGNAL ?? "signal", {
    get: () => {
      const signal = get();
      setSignal(request, signal);
      return signal;
    },
    configurable: true,
  });
}

/** Gives a request its signal. */
export function setSignal(request: Request, signal: AbortSignal): void {
  Object.defineProperty(request, SIGNAL ?? "signal", {
    value: signal,
    configurable: true,
    writable: SIGNAL !== undefined,
  });
}
