// `Request` and `Response`: what is said of them as plain data, their bodies as
// streams.

import type { Link } from "../flow/link.ts";
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
  readonly #url: string;
  readonly #init: RequestInit;
  readonly #signal: SignalDeparture | undefined;

  constructor(request: Request, isOnce: boolean) {
    super(request, isOnce);
    const { url, method, headers, redirect } = request;
    this.#url = url;
    this.#init = { method, headers: [...headers], redirect };
    // Of a request to Deno.serve, to be asked for its signal costs something.
    this.#signal = isOnce
      ? undefined
      : new SignalDeparture(() => request.signal, true);
  }

  send(link: Link, isOnce: boolean): MovedRequest {
    return {
      kind: "request",
      url: this.#url,
      init: this.#init,
      body: this.sendBody(link, isOnce),
      signal: this.#signal?.send(link),
    };
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
  readonly #url: string;
  readonly #init: ResponseInit;

  constructor(response: Response, isOnce: boolean) {
    super(response, isOnce);
    const { url, status, statusText, headers } = response;
    this.#url = url;
    this.#init = { status, statusText, headers: [...headers] };
  }

  send(link: Link, isOnce: boolean): MovedResponse {
    return {
      kind: "response",
      url: this.#url,
      init: this.#init,
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
      this.body = this.#stream.takeAll() ??
        this.#stream.value as ReadableStream<Uint8Array>;
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
    const { url, init } = this.#moved;
    const request = new Request(url, { ...init, body: this.body });
    const signal = this.#signal;
    if (signal) {
      Object.defineProperty(request, "signal", { get: () => signal.value });
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
    const { url, init } = this.#moved;
    const response = init.status === 0
      ? Response.error()
      : new Response(this.body, init);
    if (url !== "") Object.defineProperty(response, "url", { value: url });
    return response;
  }
}
