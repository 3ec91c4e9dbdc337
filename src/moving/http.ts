// Moves a `Request` or a `Response` as plain data, and its body as a stream.

import type { Link } from "../flow/link.ts";
import { packError } from "../values/pack_error.ts";
import { type PackedError, unpackError } from "../values/unpack_error.ts";
import {
  abortStateOf,
  detailsOf,
  followSignal,
  headersOf,
  makeRequest,
  makeResponse,
  type RequestData,
  type ResponseData,
  setSignal,
  type WholeBody,
  wholeBody,
} from "./http_fields.ts";
import {
  ArrivesTogether,
  DepartsTogether,
  type Moved,
  type MovingKind,
} from "./kind.ts";
import {
  type MovedReadable,
  ReadableArrival,
  ReadableDeparture,
} from "./readable.ts";
import { type MovedSignal, SignalArrival, SignalDeparture } from "./signal.ts";

type Message = Request | Response;

/** The body of a message: whole, or as a stream. */
type MovedBody = WholeBody | MovedReadable | undefined;

interface MovedRequest extends Moved, RequestData {
  kind: "request";
  body: MovedBody;
  /** The request's signal, if it can still fire. */
  signal: MovedSignal | undefined;
  /** The reason, if the signal has fired. */
  aborted: PackedError | undefined;
}

interface MovedResponse extends Moved, ResponseData {
  kind: "response";
  body: MovedBody;
}

/** The part of the table of kinds that requests and responses share. */
const BODY = {
  whyStays(message: Message): string | undefined {
    const isFree = !message.bodyUsed &&
      (wholeBody(message) !== undefined || !message.body?.locked);
    return isFree ? undefined : "has a body that is locked or already used";
  },
  streamsOf(message: Message): object[] {
    // Reading `body` would turn a whole body into a stream.
    const body = wholeBody(message) === undefined ? message.body : null;
    return body ? [body] : [];
  },
};

/** The entry for requests in the table of kinds. */
export const REQUEST: MovingKind<Request, MovedRequest> = {
  ...BODY,
  depart(request, { isOnce }) {
    const body = new BodyDeparture(request, isOnce);
    const { url, method } = request;
    const headers = headersOf(request);
    const details = detailsOf(request);
    const signal = isOnce || abortStateOf(request) !== "may"
      ? undefined
      : new SignalDeparture(() => request.signal);
    return new DepartsTogether([body.stream, signal], (link) => {
      const hasFired = abortStateOf(request) === "has";
      return {
        kind: "request",
        url,
        method,
        headers,
        details,
        body: body.send(link),
        signal: hasFired ? undefined : signal?.send(link),
        aborted: hasFired ? packError(request.signal.reason) : undefined,
      };
    }, body.size);
  },
  arrive(link, moved) {
    const { stream, body } = new BodyArrival(link, moved.body);
    const signal = moved.signal && new SignalArrival(link, moved.signal);
    return new ArrivesTogether([stream, signal], () => {
      const request = makeRequest(moved, body);
      if (signal) followSignal(request, () => signal.ask());
      else if (moved.aborted) {
        setSignal(request, AbortSignal.abort(unpackError(moved.aborted)));
      }
      return request;
    });
  },
};

/** The entry for responses in the table of kinds. */
export const RESPONSE: MovingKind<Response, MovedResponse> = {
  streamsOf: BODY.streamsOf,
  whyStays(response) {
    return response.status === 101
      ? "has status 101: an upgrade cannot move, upgrade in the thread that serves"
      : BODY.whyStays(response);
  },
  depart(response, { isOnce }) {
    const body = new BodyDeparture(response, isOnce);
    const { status, statusText } = response;
    const headers = headersOf(response);
    const details = detailsOf(response);
    return new DepartsTogether([body.stream], (link) => ({
      kind: "response",
      status,
      statusText,
      headers,
      details,
      body: body.send(link),
    }), body.size);
  },
  arrive(link, moved) {
    const { stream, body } = new BodyArrival(link, moved.body);
    return new ArrivesTogether([stream], () => makeResponse(moved, body));
  },
};

/** The body of a message in the thread that it leaves. */
class BodyDeparture {
  readonly #whole: WholeBody | undefined;
  readonly stream: ReadableDeparture | undefined;

  constructor(message: Message, isOnce: boolean) {
    this.#whole = wholeBody(message);
    if (this.#whole === undefined) {
      const { body } = message;
      if (body) this.stream = new ReadableDeparture(body, isOnce);
      return;
    }
    const hasType = message.headers.has("content-type");
    if (typeof this.#whole === "string" && !hasType) {
      // As text, it would get a content type where it arrives.
      this.#whole = new TextEncoder().encode(this.#whole);
    }
    // Marks the body as used. For a handler's result, no code would notice that.
    if (!isOnce) message.bytes().catch(() => {});
  }

  get size(): number {
    return this.#whole?.length ?? 0;
  }

  send(link: Link): MovedBody {
    return this.#whole ?? this.stream?.send(link);
  }
}

/** The body of a message in the thread to which it has moved. */
class BodyArrival {
  readonly stream: ReadableArrival | undefined;
  readonly body: BodyInit | undefined;

  constructor(link: Link, moved: MovedBody) {
    if (typeof moved !== "object" || !("kind" in moved)) {
      this.body = moved;
      return;
    }
    this.stream = new ReadableArrival(link, moved);
    const whole = this.stream.takeAll();
    if (whole === undefined) this.body = this.stream.value as ReadableStream;
    else this.body = moved.bytes ? byteStreamOf(whole) : whole;
  }
}

/** Returns a byte stream of bytes, so that a reader can supply its own buffer. */
function byteStreamOf(bytes: Uint8Array<ArrayBuffer>): ReadableStream {
  return new ReadableStream({
    type: "bytes",
    start(controller) {
      if (bytes.length > 0) controller.enqueue(bytes);
      controller.close();
    },
  });
}
