// `Request` and `Response`: what is said of them as plain data, their bodies as
// streams.

import {
  type PackedError,
  packError,
  unpackError,
} from "../values/error_codec.ts";
import type { Link } from "../flow/link.ts";
import {
  abortStateOf,
  type Details,
  detailsOf,
  followSignal,
  type Header,
  headersOf,
  makeRequest,
  makeResponse,
  setSignal,
} from "./http_fields.ts";
import type {
  Arrival,
  Departure,
  MovedBody,
  MovedRequest,
  MovedResponse,
} from "./moved.ts";
import { ReadableArrival, ReadableDeparture } from "./readable.ts";
import { SignalArrival, SignalDeparture } from "./signal.ts";
import { type WholeBody, wholeBody } from "./whole_body.ts";

/** A message with its body, in the thread that it leaves. */
abstract class MessageDeparture implements Departure {
  readonly #whole: WholeBody | undefined;
  readonly #stream: ReadableDeparture | undefined;

  constructor(message: Request | Response, isOnce: boolean) {
    this.#whole = wholeBody(message);
    if (this.#whole === undefined) {
      const { body } = message;
      if (body) this.#stream = new ReadableDeparture(body, isOnce);
      return;
    }
    // A text without a type would get one where it arrives.
    if (
      typeof this.#whole === "string" && !message.headers.has("content-type")
    ) this.#whole = new TextEncoder().encode(this.#whole);
    // From here on it is used; of what a handler has returned nobody will know.
    if (!isOnce) message.bytes().catch(() => {});
  }

  get size(): number {
    return this.#whole?.length ?? 0;
  }

  get isOpen(): boolean {
    return this.#stream?.isOpen ?? false;
  }

  set onClosed(callback: () => void) {
    this.#stream!.onClosed = callback;
  }

  abstract send(link: Link, isOnce: boolean): MovedRequest | MovedResponse;

  protected sendBody(link: Link, isOnce: boolean): MovedBody {
    return this.#whole ?? this.#stream?.send(link, isOnce);
  }

  takeBack(): void {
    this.#stream?.takeBack();
  }

  close(reason: unknown): void {
    this.#stream?.close(reason);
  }
}

/** A request in the thread that it leaves. */
export class RequestDeparture extends MessageDeparture {
  readonly #request: Request;
  readonly #url: string;
  readonly #method: string;
  readonly #headers: Header[];
  readonly #details: Details | undefined;
  readonly #signal: SignalDeparture | undefined;

  constructor(request: Request, isOnce: boolean) {
    super(request, isOnce);
    this.#request = request;
    this.#url = request.url;
    this.#method = request.method;
    this.#headers = headersOf(request);
    this.#details = detailsOf(request);
    this.#signal = isOnce || abortStateOf(request) !== "may"
      ? undefined
      : new SignalDeparture(() => request.signal, true);
  }

  send(link: Link, isOnce: boolean): MovedRequest {
    const aborted = this.#aborted();
    return {
      kind: "request",
      url: this.#url,
      method: this.#method,
      headers: this.#headers,
      details: this.#details,
      body: this.sendBody(link, isOnce),
      signal: aborted ? undefined : this.#signal?.send(link),
      aborted,
    };
  }

  /** The reason, if it was aborted before now. */
  #aborted(): PackedError | undefined {
    if (abortStateOf(this.#request) !== "has") return undefined;
    return packError(this.#request.signal.reason);
  }

  override takeBack(): void {
    super.takeBack();
    this.#signal?.takeBack();
  }

  override close(reason: unknown): void {
    super.close(reason);
    this.#signal?.close();
  }
}

/** A response in the thread that it leaves. */
export class ResponseDeparture extends MessageDeparture {
  readonly #status: number;
  readonly #statusText: string;
  readonly #headers: Header[];
  readonly #details: Details | undefined;

  constructor(response: Response, isOnce: boolean) {
    super(response, isOnce);
    this.#status = response.status;
    this.#statusText = response.statusText;
    this.#headers = headersOf(response);
    this.#details = detailsOf(response);
  }

  send(link: Link, isOnce: boolean): MovedResponse {
    return {
      kind: "response",
      status: this.#status,
      statusText: this.#statusText,
      headers: this.#headers,
      details: this.#details,
      body: this.sendBody(link, isOnce),
    };
  }
}

/** A message with its body, in the thread to which it has moved. */
abstract class MessageArrival<Message> implements Arrival {
  readonly #stream: ReadableArrival | undefined;
  /** As bytes, if it came whole. */
  protected readonly body: BodyInit | undefined;
  #value: Message | undefined;

  constructor(link: Link, moved: MovedBody) {
    if (typeof moved === "object" && "kind" in moved) {
      this.#stream = new ReadableArrival(link, moved);
      const whole = this.#stream.takeAll();
      if (whole === undefined) {
        this.body = this.#stream.value as ReadableStream<Uint8Array>;
      } else this.body = moved.bytes ? byteStreamOf(whole) : whole;
    } else this.body = moved;
  }

  /** The message: made when first asked for. @throws If it cannot be made here */
  get value(): Message {
    return this.#value ??= this.makeValue();
  }

  protected abstract makeValue(): Message;

  get isOpen(): boolean {
    return this.#stream?.isOpen ?? false;
  }

  set onClosed(callback: () => void) {
    this.#stream!.onClosed = callback;
  }

  end(): void {
    this.#stream?.end();
  }
}

/** A request in the thread to which it has moved. */
export class RequestArrival extends MessageArrival<Request> {
  readonly #moved: MovedRequest;
  readonly #signal: SignalArrival | undefined;

  constructor(link: Link, moved: MovedRequest) {
    super(link, moved.body);
    this.#moved = moved;
    if (moved.signal) this.#signal = new SignalArrival(link, moved.signal);
  }

  protected makeValue(): Request {
    const { url, method, headers, details, aborted } = this.#moved;
    const request = makeRequest(url, method, headers, this.body, details);
    const signal = this.#signal;
    if (signal) followSignal(request, () => signal.value);
    else if (aborted) {
      setSignal(request, AbortSignal.abort(unpackError(aborted)));
    }
    return request;
  }

  override end(): void {
    super.end();
    this.#signal?.end();
  }
}

/** A response in the thread to which it has moved. */
export class ResponseArrival extends MessageArrival<Response> {
  readonly #moved: MovedResponse;

  constructor(link: Link, moved: MovedResponse) {
    super(link, moved.body);
    this.#moved = moved;
  }

  protected makeValue(): Response {
    const { status, statusText, headers, details } = this.#moved;
    return makeResponse(status, statusText, headers, this.body, details);
  }
}

/** Bytes that came as a stream of bytes, whose reader may bring a buffer of its own. */
function byteStreamOf(
  bytes: Uint8Array<ArrayBuffer>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
