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

/** A class of messages. */
interface MessageClass {
  /** Where Deno keeps what a message is, and whether its headers may change. */
  inner: symbol | undefined;
  guard: symbol | undefined;
  /** What one holds that was made by hand, without any options. */
  defaults: Details;
  /** Whether a message is from then on what is put into these fields. */
  isKept: boolean;
  /** What else is told of a message if it is not. */
  visible: string;
}

/** Where Deno keeps what. */
interface Kept {
  signal: symbol | undefined;
  headersCache: symbol | undefined;
  requests: MessageClass;
  responses: MessageClass;
}

let kept: Kept | undefined;

/** Looked up with the first message: Deno's classes of them load in 4 ms. */
function keptFields(): Kept {
  if (kept) return kept;
  kept = lookUp();
  kept.requests.isKept = canRestoreRequest(kept);
  return kept;
}

function lookUp(): Kept {
  const request = new Request("data:,");
  const response = new Response();
  const responses: MessageClass = {
    inner: fieldOf(response, "response"),
    guard: fieldOf(response, "headers guard"),
    defaults: { bodyDecoded: false, type: "default", urlList: undefined },
    isKept: false,
    visible: "url",
  };
  const inner = (response as unknown as Fields)[responses.inner!] as
    | Inner
    | undefined;
  responses.isKept = Array.isArray(inner?.urlList) &&
    responses.guard !== undefined;
  return {
    signal: fieldOf(request, "signalCache"),
    headersCache: fieldOf(request, "headers cache"),
    requests: {
      inner: fieldOf(request, "request"),
      guard: fieldOf(request, "headers guard"),
      defaults: {
        cacheMode: undefined,
        credentialsMode: undefined,
        integrity: undefined,
        keepalive: undefined,
        mode: undefined,
        priority: undefined,
        redirectMode: "follow",
        referrer: undefined,
        referrerPolicy: undefined,
      },
      isKept: false,
      visible: "redirect",
    },
    responses,
  };
}

function fieldOf(message: object, name: string): symbol | undefined {
  return Object.getOwnPropertySymbols(message)
    .find(({ description }) => description === name);
}

function classOf(message: Request | Response): MessageClass {
  const { requests, responses } = keptFields();
  return message instanceof Request ? requests : responses;
}

/** What Deno keeps of a message, if it tells. */
function innerOf(message: Request | Response): Inner | undefined {
  const { inner } = classOf(message);
  return inner && (message as unknown as Fields)[inner] as Inner | undefined;
}

/** Any that can be parsed: the real one is put in its place. */
export const SOME_URL = "http://localhost/";

/** The fields of a request from which another one can be made. */
export interface RequestFields {
  inner: symbol;
  guard: symbol;
  signal: symbol;
}

/** These fields, if Deno tells. */
export function requestFields(): RequestFields | undefined {
  const { requests: { inner, guard, isKept }, signal } = keptFields();
  return isKept ? { inner: inner!, guard: guard!, signal: signal! } : undefined;
}

function canRestoreRequest({ requests, signal, headersCache }: Kept): boolean {
  const fields = [requests.inner, requests.guard, signal, headersCache];
  if (fields.includes(undefined)) return false;
  const url = "http://a b/";
  const data = { url, method: "TRACE", headers: [["a", "b"]] as Header[] };
  const made = restoreRequest(new Request(SOME_URL), data).clone();
  return made.url === url && made.method === "TRACE" &&
    made.headers.get("a") === "b";
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

/** Whether a message has no body, if Deno tells. */
export function isEmpty(message: Request | Response): boolean {
  return message.headers && innerOf(message)?.body === null;
}

/** A copy of the headers, in the order and the case in which they were given. */
export function headersOf(message: Request | Response): Header[] {
  const { headers } = message;
  const list = innerOf(message)?.headerList;
  return list?.map(([name, value]) => [name, value]) ?? [...headers];
}

/** The headers at the end of a list that tells of a message, after three other things. */
export function headersIn(told: readonly unknown[]): Header[] {
  const headers: Header[] = [];
  for (let i = 3; i < told.length; i += 2) {
    headers[headers.length] = [told[i] as string, told[i + 1] as string];
  }
  return headers;
}

/** What else a message is. */
export function detailsOf(message: Request | Response): Details | undefined {
  const { guard, defaults, isKept, visible } = classOf(message);
  const inner = innerOf(message);
  const fields = message as unknown as Details & Fields;
  if (inner === undefined || !isKept) return { [visible]: fields[visible] };
  let details: Details | undefined;
  for (const key of Object.keys(defaults)) {
    const value = inner[key];
    const isEmpty = Array.isArray(value) && value.length === 0;
    if (value !== defaults[key] && !isEmpty) (details ??= {})[key] = value;
  }
  if (fields[guard!] === "immutable") (details ??= {}).immutable = true;
  return details;
}

/** Whether something is such details, wherever it comes from: they become Deno's own fields. */
export function areDetails(details: unknown, isRequest: boolean): boolean {
  if (details === undefined) return true;
  if (typeof details !== "object" || details === null) return false;
  const { requests, responses } = keptFields();
  const { defaults, isKept, visible } = isRequest ? requests : responses;
  return Object.entries(details).every(([key, value]) => {
    if (key === "immutable") return value === true;
    if (!(isKept ? Object.hasOwn(defaults, key) : key === visible)) {
      return false;
    }
    return key === "urlList"
      ? Array.isArray(value) && value.every((url) => typeof url === "string")
      : ["string", "boolean", "undefined"].includes(typeof value);
  });
}

/** What a request was in the thread from which it came. */
export interface RequestData {
  url: string;
  method: string;
  headers: Header[];
  details?: Details;
}

/** What a response was. */
export interface ResponseData {
  status: number;
  statusText: string;
  headers: Header[];
  details?: Details;
}

/** A request that is what another one was. */
export function makeRequest(data: RequestData, body?: BodyInit): Request {
  const { url, method, headers, details } = data;
  if (keptFields().requests.isKept) {
    // What a `blob:` URL stands for is looked up when its request is made.
    const parsable = url.startsWith("blob:") ? url : SOME_URL;
    const made = new Request(parsable, { method: "POST", body });
    return restoreRequest(made, data);
  }
  let request: Request;
  try {
    request = new Request(url, { method, headers, body });
  } catch {
    // Then only its own properties tell.
    request = new Request(SOME_URL, { method: "POST", headers, body });
    define(request, { url, method });
  }
  return define(request, details);
}

function restoreRequest(request: Request, data: RequestData): Request {
  const { url, method, headers, details: { immutable, ...details } = {} } =
    data;
  const inner = innerOf(request)!;
  inner.urlList = [() => url];
  inner.urlListProcessed = [url];
  inner.method = method;
  inner.headerList = headers;
  Object.assign(inner, details);
  // They are made anew of that list when they are asked for.
  const fields = request as unknown as Fields;
  const { headersCache, requests } = keptFields();
  fields[headersCache!] = undefined;
  fields[requests.guard!] = immutable ? "immutable" : "request";
  return request;
}

/** A response that is what another one was. */
export function makeResponse(data: ResponseData, body?: BodyInit): Response {
  const { status, statusText, headers, details } = data;
  if (status === 0) return Response.error();
  // Others than these come from servers only.
  const isCommon = status >= 200 && status <= 599;
  const init = { status: isCommon ? status : 200, statusText, headers };
  const response = new Response(body, init);
  if (isCommon && details === undefined) return response;
  const { responses } = keptFields();
  if (!responses.isKept) return define(response, { ...details, status });
  const inner = innerOf(response)!;
  const { immutable, ...rest } = details ?? {};
  Object.assign(inner, rest);
  if (immutable) {
    (response as unknown as Fields)[responses.guard!] = "immutable";
  }
  if (!isCommon) {
    // Deno.serve has its answer ready, with the other status, until they are asked for.
    void response.headers;
    inner.status = status;
  }
  return response;
}

function define<T extends object>(message: T, values: Details = {}): T {
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
  const { signal: key } = keptFields();
  if (key === undefined) return "may";
  const isServed = typeof innerOf(request)?.onCancel === "function";
  // One that has moved, and whose signal nobody has asked for, is not asked either.
  if (!isServed && Object.getOwnPropertyDescriptor(request, key)?.get) {
    return "may";
  }
  const signal = (request as unknown as Fields)[key];
  if (signal === undefined) return isServed ? "may" : "never";
  // The client of Deno.serve was gone before anybody asked.
  if (signal === false) return "has";
  return (signal as AbortSignal).aborted ? "has" : "may";
}

/** Gives a request its signal when it is asked for, be it by a clone. */
export function followSignal(request: Request, get: () => AbortSignal): void {
  Object.defineProperty(request, keptFields().signal ?? "signal", {
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
  const { signal: key } = keptFields();
  Object.defineProperty(request, key ?? "signal", {
    value: signal,
    configurable: true,
    writable: key !== undefined,
  });
}
