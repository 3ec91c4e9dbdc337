// All that a job could replace of what its thread begins with: the methods,
// accessors and constructors of the language and of the runtime.

/** One of them, by names that mean the same in every thread. */
export interface Target {
  /** What holds it, as {@linkcode ownerOf} knows it. */
  owner: string;
  key: string;
  /** Whether the key is that of a well-known symbol. */
  isSymbol: boolean;
}

/** What no name leads to. */
const HIDDEN: Record<string, () => object> = {
  "%TypedArray%": () => Object.getPrototypeOf(Uint8Array),
  "%TypedArray%.prototype": () => Object.getPrototypeOf(Uint8Array).prototype,
  "%ArrayIterator%.prototype": () => Object.getPrototypeOf([].values()),
  "%MapIterator%.prototype": () => Object.getPrototypeOf(new Map().entries()),
  "%SetIterator%.prototype": () => Object.getPrototypeOf(new Set().values()),
  "%StringIterator%.prototype": () =>
    Object.getPrototypeOf(""[Symbol.iterator]()),
  "%Generator%.prototype": () =>
    Object.getPrototypeOf(Object.getPrototypeOf(function* () {}())),
  "%AsyncFunction%.prototype": () => Object.getPrototypeOf(async () => {}),
};

const CLASSES = [
  "Array,Object,Function,Promise,Map,Set,WeakMap,WeakSet,WeakRef,String,Number",
  "Boolean,Symbol,BigInt,RegExp,Date,Iterator,Error,TypeError,RangeError",
  "ReferenceError,AggregateError,SuppressedError,DOMException",
  "FinalizationRegistry,ArrayBuffer,SharedArrayBuffer,DataView,Uint8Array",
  "Int32Array,Float64Array,Event,EventTarget,CustomEvent,ErrorEvent",
  "MessageEvent,PromiseRejectionEvent,MessagePort,MessageChannel",
  "AbortController,AbortSignal,TextEncoder,TextDecoder,ReadableStream",
  "WritableStream,TransformStream,URL,URLSearchParams,Headers,Request",
  "Response,Blob,Performance,Crypto,WorkerGlobalScope",
  "DedicatedWorkerGlobalScope,WorkerNavigator,LockManager",
].join().split(",");

const OBJECTS = [
  "globalThis,JSON,Math,Reflect,Atomics,WebAssembly,Intl,performance,crypto",
  "navigator,navigator.locks,Deno,Deno.errors,console,process",
].join().split(",");

/** What holds a target, in this thread. */
export function ownerOf(name: string): object | undefined {
  if (name in HIDDEN) return HIDDEN[name]();
  if (name === "globalThis") return globalThis;
  // deno-lint-ignore no-explicit-any
  let owner: any = globalThis;
  for (const part of name.split(".")) owner = owner?.[part];
  return owner;
}

/** The key of a target, in this thread. */
export function keyOf({ key, isSymbol }: Target): string | symbol {
  const symbols = Symbol as unknown as Record<string, symbol>;
  return isSymbol ? symbols[key] : key;
}

/** How a target is written. */
export function nameOf({ owner, key, isSymbol }: Target): string {
  return isSymbol ? `${owner}[Symbol.${key}]` : `${owner}.${key}`;
}

/** All of them that a worker has; to be called there. */
export function allTargets(): Target[] {
  const owners = [
    ...Object.keys(HIDDEN),
    ...OBJECTS,
    ...CLASSES.flatMap((name) => [name, `${name}.prototype`]),
  ];
  return owners.flatMap((owner) => targetsOf(owner));
}

const SPARED = [
  "Array.prototype.length",
  "RangeError.prototype.name",
  "%TypedArray%.prototype.length",
];

function targetsOf(owner: string): Target[] {
  const object = ownerOf(owner);
  if (!(object instanceof Object)) return [];
  const targets: Target[] = [];
  for (const key of Reflect.ownKeys(object)) {
    const { configurable, writable } = Reflect.getOwnPropertyDescriptor(
      object,
      key,
    )!;
    if (!configurable && !writable) continue;
    // The first can be no function; the others do what a job would see, too.
    if (SPARED.includes(`${owner}.${String(key)}`)) continue;
    if (typeof key === "string") targets.push({ owner, key, isSymbol: false });
    else if (key.description?.startsWith("Symbol.")) {
      targets.push({ owner, key: key.description.slice(7), isSymbol: true });
    }
  }
  return targets;
}
