// Requests without a body, taken apart into few fields and made of them. Deno's
// constructor parses the URL, converts each option and makes an object of
// accessors, all for fields that are replaced afterwards: 2 µs, and this 0.2.

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

/** The client of a request. */
export const Client = {
  /** It did not come to a server, and nothing aborts it. */
  NONE: 0,
  /** It may leave: then the signal fires. */
  THERE: 1,
  /** It has left. */
  GONE: 2,
} as const;

/** One of {@linkcode Client}. */
export type Client = typeof Client[keyof typeof Client];

/** What there is to tell: whether there is a client, the method, the URL, and each header's name and value. */
export type Bare = [Client, method: string, url: string, ...headers: string[]];

/** Hears that somebody asks for a request's signal, and what aborts it. */
export interface SignalSource {
  asked(abort: () => void): void;
}

/** Makes a request of what there is to tell. */
type MakeRequest = (bare: Bare, source?: SignalSource) => Request;

/** What Deno keeps of one. */
interface Inner {
  method: string;
  headerList: Header[];
  readonly body: unknown;
  urlList: unknown[];
  urlListProcessed: string[];
  /** What a `blob:` URL stands for. */
  readonly blobUrlEntry?: unknown;
  onCancel?: unknown;
  source: SignalSource | undefined;
}

type Fields = Record<symbol, unknown>;

/** As it was before a job could replace it. */
const { create } = Object;

/** What is known of this Deno's requests. */
interface Known {
  prototype: Request;
  fields: RequestFields | undefined;
  make: MakeRequest | undefined;
}

let known: Known | undefined;

/** Looked up with the first request: to load Deno's class of them and to try it takes 5 ms. */
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

/** Makes such a request; `undefined` where Deno keeps requests in another way. */
export function bareMaker(): MakeRequest | undefined {
  return knownRequests().make;
}

/** Makes one where a job module has put another class in the place of requests. */
export function makePlain(bare: Bare, source?: SignalSource): Request {
  const [client, method, url] = bare;
  const controller = new AbortController();
  if (client === Client.GONE) controller.abort();
  else source?.asked(() => controller.abort());
  const { signal } = controller;
  return new Request(url, { method, headers: headersIn(bare), signal });
}

/** Whether an object is a request, and of no class of its own. */
export function isRequest(object: object): object is Request {
  const prototype = getPrototypeOf(object);
  return prototype?.[toStringTag] === "Request" &&
    prototype === knownRequests().prototype;
}

/** What there is to tell of a request, if that is all. */
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
  // Its other fields are those that all requests of Deno.serve have.
  if (typeof inner.onCancel === "function") return Client.THERE;
  const isPlain = abortStateOf(request) === "never" &&
    detailsOf(request) === undefined && inner.blobUrlEntry === null;
  return isPlain ? Client.NONE : undefined;
}

/** Whether the client of such a request has left; its signal is not asked for. */
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
  // One of Deno.serve has none.
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
    // So Deno itself notes it until somebody asks for the signal.
    if (bare[0] === Client.GONE) request[signal] = false;
    return request as unknown as Request;
  };
}

/** Whether what is made is, for all that can be seen, a request. */
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
