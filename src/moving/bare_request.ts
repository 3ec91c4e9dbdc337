// Takes requests without a body apart into a few fields, and makes requests from
// them. Deno's constructor parses the URL, converts each option and creates an object
// of accessors, for fields that are then replaced: 2 µs. This code takes 0.2 µs.

import {
  getOwnPropertySymbols,
  getPrototypeOf,
  toStringTag,
} from "../values/intrinsics.ts";
import {
  abortStateOf,
  detailsOf,
  type Header,
  headersIn,
  type RequestFields,
  requestFields,
  SOME_URL,
} from "./http_fields.ts";

/** State of the client of a request. */
export const Client = {
  /** The request did not come to a server, and nothing aborts it. */
  NONE: 0,
  /** The client is connected. If it disconnects, the signal fires. */
  THERE: 1,
  /** The client has disconnected. */
  GONE: 2,
} as const;

/** One of {@linkcode Client}. */
export type Client = typeof Client[keyof typeof Client];

/** A request as data: client, method, URL, and each header's name and value. */
export type Bare = [Client, method: string, url: string, ...headers: string[]];

/** Gets the function that aborts a request, once the request's signal is used. */
export interface SignalSource {
  asked(abort: () => void): void;
}

/** Makes a request from its data. */
type MakeRequest = (bare: Bare, source?: SignalSource) => Request;

/** Deno's private fields of a request. */
interface Inner {
  method: string;
  headerList: Header[];
  readonly body: unknown;
  urlList: unknown[];
  urlListProcessed: string[];
  /** The blob of a `blob:` URL. */
  readonly blobUrlEntry?: unknown;
  onCancel?: unknown;
  source: SignalSource | undefined;
}

type Fields = Record<symbol, unknown>;

/** Saved before a job can replace it. */
const { create } = Object;

/** How the running Deno stores requests. */
interface Known {
  prototype: Request;
  fields: RequestFields | undefined;
  make: MakeRequest | undefined;
}

let known: Known | undefined;

/** Looks the fields up at the first request: loading and testing `Request` takes 5 ms. */
function knownRequests(): Known {
  if (known) return known;
  const { prototype } = Request;
  const fields = requestFields();
  return known = {
    prototype,
    fields,
    make: fields && detect(fields, prototype),
  };
}

/** Returns the maker of requests, or `undefined` if Deno stores them differently. */
export function bareMaker(): MakeRequest | undefined {
  return knownRequests().make;
}

/** Makes a request if a job module has replaced the class `Request`. */
export function makePlain(bare: Bare, source?: SignalSource): Request {
  const [client, method, url] = bare;
  const controller = new AbortController();
  if (client === Client.GONE) controller.abort();
  else source?.asked(() => controller.abort());
  const { signal } = controller;
  return new Request(url, { method, headers: headersIn(bare), signal });
}

/** Returns whether an object is a `Request`, and not of a subclass. */
export function isRequest(object: object): object is Request {
  const prototype = getPrototypeOf(object);
  return prototype?.[toStringTag] === "Request" &&
    prototype === knownRequests().prototype;
}

/** Returns the data of a request, if they describe it completely. */
export function bareOf(request: Request): Bare | undefined {
  const { fields, make } = knownRequests();
  if (make === undefined) return undefined;
  const inner = (request as unknown as Fields)[fields!.inner] as Inner;
  if (inner.body !== null) return undefined;
  const client = clientOf(request, inner);
  if (client === undefined) return undefined;
  const bare: Bare = [client, request.method, request.url];
  const { headerList } = inner;
  for (let i = 0; i < headerList.length; i++) {
    bare.push(headerList[i][0], headerList[i][1]);
  }
  return bare;
}

function clientOf(request: Request, inner: Inner): Client | undefined {
  // The other fields are the same in all requests of `Deno.serve`.
  if (typeof inner.onCancel === "function") return Client.THERE;
  const isPlain = abortStateOf(request) === "never" &&
    detailsOf(request) === undefined && inner.blobUrlEntry === null;
  return isPlain ? Client.NONE : undefined;
}

/** Returns whether the client has disconnected, without using the request's signal. */
export function isGone(request: Request): boolean {
  const signal = (request as unknown as Fields)[knownRequests().fields!.signal];
  return signal === false ||
    (signal as AbortSignal | undefined)?.aborted === true;
}

function detect(
  fields: RequestFields,
  prototype: Request,
): MakeRequest | undefined {
  try {
    const make = makerOf(fields, prototype);
    return works(make) ? make : undefined;
  } catch {
    return undefined;
  }
}

function makerOf(
  { inner, guard, signal }: RequestFields,
  prototype: Request,
): MakeRequest {
  const template = new Request(SOME_URL) as unknown as Fields;
  const brand = getOwnPropertySymbols(template).find((symbol) => {
    return template[symbol] === symbol;
  })!;
  const made = template[inner] as Inner;
  const served: Inner = create(made);
  // Requests of `Deno.serve` have no redirect mode.
  Object.assign(served, { redirectMode: undefined });
  served.onCancel = function (this: Inner, abort: () => void) {
    this.source?.asked(abort);
  };
  const url = () => undefined;
  return (bare, source) => {
    const isServed = bare[0] !== Client.NONE;
    const kept: Inner = create(isServed ? served : made);
    kept.method = bare[1];
    kept.headerList = headersIn(bare);
    kept.urlList = [url];
    kept.urlListProcessed = [bare[2]];
    kept.source = source;
    const request = create(prototype) as Fields;
    request[inner] = kept;
    request[guard] = isServed ? "immutable" : "request";
    request[brand] = brand;
    // Deno itself stores this until the signal is first used.
    if (bare[0] === Client.GONE) request[signal] = false;
    return request as unknown as Request;
  };
}

/** Returns whether the made objects behave like requests. */
function works(make: MakeRequest): boolean {
  const url = "http://a b/";
  const bare = (client: Client): Bare => [client, "TRACE", url, "a", "b"];
  let abort: (() => void) | undefined;
  const request = make(bare(Client.THERE), { asked: (call) => abort = call });
  const { signal } = request;
  if (abort === undefined || signal.aborted) return false;
  (abort as () => void)();
  const free = make(bare(Client.NONE));
  free.headers.append("c", "d");
  return signal.aborted && signal.reason.name === "AbortError" &&
    make(bare(Client.GONE)).signal.aborted && !free.signal.aborted &&
    free.headers.get("c") === "d" &&
    [request, request.clone(), free.clone()].every((one) => {
      return one instanceof Request && one.url === url &&
        one.method === "TRACE" && one.headers.get("a") === "b" &&
        one.body === null && !one.bodyUsed;
    });
}
