// The trace of OpenTelemetry that a job is a part of, so that what its handler
// traces becomes a child of what its caller was at. Deno has the API by itself where
// `OTEL_DENO=true`; elsewhere a package may have put it at the same place.

/** The part of the API that is used here. */
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
 * Makes a function that gives the trace of the code that calls it, as text, or
 * `undefined` outside of a trace. There is none if OpenTelemetry is off.
 */
export function traceReader(): (() => string | undefined) | undefined {
  const api = openTelemetry();
  if (api === undefined) return undefined;
  // Contexts do not change, and many calls share one.
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

/** Worker: calls something as a part of a trace. */
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
