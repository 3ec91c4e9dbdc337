// Reads and writes Deno's private fields of a `Request` or a `Response`. A client of
// `Deno.serve` can send URLs and methods that the constructors refuse, and `fetch()`
// returns responses that no constructor can make: only these fields can hold them. If
// Deno has no such fields, public properties are defined on the message instead.

import { isUnshared } from "../flow/bytes.ts";

/** A body that is not a stream. */
export type WholeBody = string | Uint8Array<ArrayBuffer>;

/** A header in its original case. */
export type Header = [name: string, value: string];

/** Fields of a message besides URL, method, status, headers and body, if not defaults. */
export type Details = Record<string, unknown>;

/** Deno's private fields of a message. */
interface Inner extends Record<string, unknown> {
  headerList?: Header[];
  body?: { streamOrStatic?: { body?: unknown; consumed?: unknown } } | null;
  urlList?: unknown[];
}

type Fields = Record<symbol, unknown>;

/** How Deno stores messages of one class. */
interface MessageClass {
  /** Keys of the fields for the message's data and for its headers guard. */
  inner: symbol | undefined;
  guard: symbol | undefined;
  /** Fields of a message that was constructed without options. */
  defaults: Details;
  /** Whether writing these fields changes the message. */
  isKept: boolean;
  /** The only other property that is sent if writing the fields has no effect. */
  visible: string;
}

/** Keys of Deno's private fields. */
interface Kept {
  signal: symbol | undefined;
  headersCache: symbol | undefined;
  requests: MessageClass;
  responses: MessageClass;
}

let kept: Kept | undefined;

/** Looks the keys up at the first message, because loading Deno's classes takes 4 ms. */
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

/** Returns Deno's private fields of a message, if they can be read. */
function innerOf(message: Request | Response): Inner | undefined {
  const { inner } = classOf(message);
  return inner && (message as unknown as Fields)[inner] as Inner | undefined;
}

/** A URL that can be parsed, until the real URL replaces it. */
export const SOME_URL = "http://localhost/";

/** Keys of the fields needed to make a copy of a request. */
export interface RequestFields {
  inner: symbol;
  guard: symbol;
  signal: symbol;
}

/** Returns these keys, if Deno has such fields. */
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
 * Returns a body that was made from text or bytes, if it can be read. Reading it as a
 * stream costs more than everything else in a small response.
 */
export function wholeBody(message: Request | Response): WholeBody | undefined {
  // Deno stores a response made from text elsewhere until its headers are read.
  if (!message.headers) return undefined;
  const { body, consumed } = innerOf(message)?.body?.streamOrStatic ?? {};
  if (consumed !== false) return undefined;
  return isUnshared(body) || typeof body === "string" ? body : undefined;
}

/** Returns whether Deno's fields show that a message has no body. */
export function isEmpty(message: Request | Response): boolean {
  return message.headers && innerOf(message)?.body === null;
}

/** Returns a copy of the headers, in their original order and case. */
export function headersOf(message: Request | Response): Header[] {
  const { headers } = message;
  const list = innerOf(message)?.headerList;
  return list?.map(([name, value]) => [name, value]) ?? [...headers];
}

/** Returns the headers from a message's list, where they follow three other items. */
export function headersIn(told: readonly unknown[]): Header[] {
  const headers: Header[] = [];
  for (let i = 3; i < told.length; i += 2) {
    headers[headers.length] = [told[i] as string, told[i + 1] as string];
  }
  return headers;
}

/** Returns the other fields of a message. */
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

/** Returns whether untrusted details are valid, because they become Deno's own fields. */
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

/** A request as data. */
export interface RequestData {
  url: string;
  method: string;
  headers: Header[];
  details?: Details;
}

/** A response as data. */
export interface ResponseData {
  status: number;
  statusText: string;
  headers: Header[];
  details?: Details;
}

/** Makes a request from its data. */
export function makeRequest(data: RequestData, body?: BodyInit): Request {
  const { url, method, headers, details } = data;
  if (keptFields().requests.isKept) {
    // Deno looks up the blob of a `blob:` URL in the constructor.
    const parsable = url.startsWith("blob:") ? url : SOME_URL;
    const made = new Request(parsable, { method: "POST", body });
    return restoreRequest(made, data);
  }
  let request: Request;
  try {
    request = new Request(url, { method, headers, body });
  } catch {
    // The constructor refuses this URL or method, so they become own properties.
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
  // Deno rebuilds the headers from the list when they are next read.
  const fields = request as unknown as Fields;
  const { headersCache, requests } = keptFields();
  fields[headersCache!] = undefined;
  fields[requests.guard!] = immutable ? "immutable" : "request";
  return request;
}

/** Makes a response from its data. */
export function makeResponse(data: ResponseData, body?: BodyInit): Response {
  const { status, statusText, headers, details } = data;
  if (status === 0) return Response.error();
  // Other statuses come only from servers.
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
    // Reading the headers drops the answer that Deno prepared with the status 200.
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
 * Returns whether a request can abort, or has aborted. Does not read its signal: that
 * would make `Deno.serve` watch the client.
 */
export function abortStateOf(request: Request): "never" | "may" | "has" {
  const { signal: key } = keptFields();
  if (key === undefined) return "may";
  const isServed = typeof innerOf(request)?.onCancel === "function";
  // The unused signal of a moved request is a getter, which is not called here.
  if (!isServed && Object.getOwnPropertyDescriptor(request, key)?.get) {
    return "may";
  }
  const signal = (request as unknown as Fields)[key];
  if (signal === undefined) return isServed ? "may" : "never";
  // The client of `Deno.serve` disconnected before the signal was used.
  if (signal === false) return "has";
  return (signal as AbortSignal).aborted ? "has" : "may";
}

/** Sets a request's signal when it is first read, also by `clone()`. */
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

/** Sets a request's signal. */
export function setSignal(request: Request, signal: AbortSignal): void {
  const { signal: key } = keptFields();
  Object.defineProperty(request, key ?? "signal", {
    value: signal,
    configurable: true,
    writable: key !== undefined,
  });
}
