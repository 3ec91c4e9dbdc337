// Passes the caller's OpenTelemetry trace to a job, so that spans in the handler are
// children of the caller's active span. Deno provides the API if `OTEL_DENO=true`;
// otherwise, a package can register it in the same place.

/** Part of the API that this file uses. */
interface OpenTelemetry {
  context: {
    active(): object;
    with<Args extends unknown[], R>(
      context: object,
      call: (...args: Args) => R,
      self: undefined,
      ...args: Args
    ): R;
  };
  propagation: {
    inject(context: object, carrier: Carrier, setter: typeof SETTER): void;
    extract(context: object, carrier: Carrier, getter: typeof GETTER): object;
  };
}

type Carrier = Record<string, string>;

const SETTER = {
  set(carrier: Carrier, key: string, value: string): void {
    carrier[key] = value;
  },
};
const GETTER = {
  get: (carrier: Carrier, key: string): string | undefined => carrier[key],
  keys: (carrier: Carrier): string[] => Object.keys(carrier),
};

function openTelemetry(): OpenTelemetry | undefined {
  const holder = globalThis as unknown as Record<
    symbol,
    Partial<OpenTelemetry> | undefined
  >;
  const api = holder[Symbol.for("opentelemetry.js.api.1")];
  return api?.context && api.propagation ? api as OpenTelemetry : undefined;
}

/**
 * Creates a function that returns the trace of its caller as text, or `undefined`
 * outside a trace. Returns `undefined` if OpenTelemetry is off.
 */
export function traceReader(): (() => string | undefined) | undefined {
  const api = openTelemetry();
  if (api === undefined) return undefined;
  // Contexts are immutable, and many calls share one.
  let last: object | undefined;
  let text: string | undefined;
  return () => {
    const context = api.context.active();
    if (context === last) return text;
    const carrier: Carrier = {};
    api.propagation.inject(context, carrier, SETTER);
    const isTraced = Object.keys(carrier).length > 0;
    last = context;
    return text = isTraced ? JSON.stringify(carrier) : undefined;
  };
}

let lastText: string | undefined;
let lastContext: object | undefined;

/** Worker: calls a function as part of a trace. */
export function callTraced<R>(trace: string, call: () => R): R {
  const api = openTelemetry();
  if (api === undefined) return call();
  if (trace !== lastText) {
    const carrier = JSON.parse(trace) as Carrier;
    lastContext = api.propagation.extract(
      api.context.active(),
      carrier,
      GETTER,
    );
    lastText = trace;
  }
  return api.context.with(lastContext!, call, undefined);
}
