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

/** A body in the thread that it leaves. */
class BodyDeparture {
  readonly #whole: WholeBody | undefined;
  readonly stream: ReadableDeparture | undefined;

  constructor(message: Request | Response, isOnce: boolean) {
    this.#whole = wholeBody(message);
    if (this.#whole === undefined) {
      const { body } = message;
      if (body) this.stream = new ReadableDeparture(body, isOnce);
      return;
    }
    // A text without a type would get one where it arrives.
    if (
      typeof this.#whole === "string" && !message.headers.has("content-type")
    ) this.#whole = new TextEncoder().encode(this.#whole);
    // From here on it is used; of what a handler has returned nobody will know.
    if (!isOnce) message.bytes().catch(() => {});
  }

  send(link: Link, isOnce: boolean): MovedBody {
    return this.#whole ?? this.stream?.send(link, isOnce);
  }
}

/** A request in the thread that it leaves. */
export class RequestDeparture implements Departure {
  readonly #url: string;
  readonly #init: RequestInit;
  readonly #body: BodyDeparture;
  readonly #signal: SignalDeparture | undefined;

  constructor(request: Request, isOnce: boolean) {
    const { url, method, headers, redirect } = request;
    this.#url = url;
    this.#init = { method, headers: [...headers], redirect };
    this.#body = new BodyDeparture(request, isOnce);
    // Of a request to Deno.serve, to be asked for its signal costs something.
    this.#signal = isOnce
      ? undefined
      : new SignalDeparture(() => request.signal, true);
  }

  get isOpen(): boolean {
    return this.#body.stream?.isOpen ?? false;
  }

  set onClosed(callback: () => void) {
    this.#body.stream!.onClosed = callback;
  }

  send(link: Link, isOnce: boolean): MovedRequest {
    return {
      kind: "request",
      url: this.#url,
      init: this.#init,
      body: this.#body.send(link, isOnce),
      signal: this.#signal?.send(link),
    };
  }

  takeBack(): void {
    this.#body.stream?.takeBack();
    this.#signal?.takeBack();
  }

  close(reason: unknown): void {
    this.#body.stream?.close(reason);
    this.#signal?.close();
  }
}

/** A response in the thread that it leaves. */
export class ResponseDeparture implements Departure {
  readonly #url: string;
  readonly #init: ResponseInit;
  readonly #body: BodyDeparture;

  constructor(response: Response, isOnce: boolean) {
    const { url, status, statusText, headers } = response;
    this.#url = url;
    this.#init = { status, statusText, headers: [...headers] };
    this.#body = new BodyDeparture(response, isOnce);
  }

  get isOpen(): boolean {
    return this.#body.stream?.isOpen ?? false;
  }

  set onClosed(callback: () => void) {
    this.#body.stream!.onClosed = callback;
  }

  send(link: Link, isOnce: boolean): MovedResponse {
    return {
      kind: "response",
      url: this.#url,
      init: this.#init,
      body: this.#body.send(link, isOnce),
    };
  }

  takeBack(): void {
    this.#body.stream?.takeBack();
  }

  close(reason: unknown): void {
    this.#body.stream?.close(reason);
  }
}

/** A body in the thread to which it has moved: as bytes, if it came whole. */
class BodyArrival {
  readonly stream: ReadableArrival | undefined;
  readonly body: BodyInit | undefined;

  constructor(link: Link, moved: MovedBody) {
    if (
      moved === undefined || typeof moved === "string" ||
      moved instanceof Uint8Array
    ) {
      this.body = moved;
      return;
    }
    this.stream = new ReadableArrival(link, moved);
    this.body = this.stream.takeAll() ??
      this.stream.value as ReadableStream<Uint8Array>;
  }
}

/** A request in the thread to which it has moved. */
export class RequestArrival implements Arrival {
  readonly value: Request;
  readonly #body: ReadableArrival | undefined;
  readonly #signal: SignalArrival | undefined;

  constructor(link: Link, { url, init, body, signal }: MovedRequest) {
    const arrival = new BodyArrival(link, body);
    this.#body = arrival.stream;
    this.value = new Request(url, { ...init, body: arrival.body });
    if (!signal) return;
    const follower = this.#signal = new SignalArrival(link, signal);
    Object.defineProperty(this.value, "signal", { get: () => follower.value });
  }

  get isOpen(): boolean {
    return this.#body?.isOpen ?? false;
  }

  set onClosed(callback: () => void) {
    this.#body!.onClosed = callback;
  }

  end(): void {
    this.#body?.end();
    this.#signal?.end();
  }
}

/** A response in the thread to which it has moved. */
export class ResponseArrival implements Arrival {
  readonly value: Response;
  readonly #body: ReadableArrival | undefined;

  constructor(link: Link, { url, init, body }: MovedResponse) {
    const arrival = new BodyArrival(link, body);
    this.#body = arrival.stream;
    this.value = init.status === 0
      ? Response.error()
      : new Response(arrival.body, init);
    if (url !== "") Object.defineProperty(this.value, "url", { value: url });
  }

  get isOpen(): boolean {
    return this.#body?.isOpen ?? false;
  }

  set onClosed(callback: () => void) {
    this.#body!.onClosed = callback;
  }

  end(): void {
    this.#body?.end();
  }
}
