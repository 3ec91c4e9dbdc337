// The functions that a pool's jobs run, each known by a small number to main
// and to the workers.

import type { FunctionDefinition, FunctionsMessage } from "../wire/protocol.ts";
import { placeOfCaller } from "../values/stacks.ts";

/** A function, for as long as a job needs it or it may soon be needed again. */
export interface PoolFunction extends FunctionDefinition {
  /** How many jobs run it that have not settled. */
  jobs: number;
  /** The mean time of its jobs in ms, where jobs have priorities. */
  mean?: number;
  /** Whether the table has it. A worker may know it for longer. */
  isKept: boolean;
  /** Whether it is an inline generator, which only a stream can run. */
  isGenerator?: boolean;
}

/** How many functions without jobs are kept; between two sweeps, up to twice as many. */
const KEPT = 1_000;

/** The functions that have jobs, and the last ones that had. */
export class FunctionTable {
  readonly #byName = new Map<string, PoolFunction>();
  readonly #byFunction = new WeakMap<InlineFunction, PoolFunction>();
  readonly #bySource = new Map<string, PoolFunction>();
  /** Those that run several items one after the other, by the function that they call. */
  readonly #batches = new Map<PoolFunction, PoolFunction>();
  readonly #freeIds: number[] = [];
  #ids = 0;
  /** How many have no jobs. */
  #idle = 0;
  #isSweepDue = false;
  /** How often functions have been forgotten. */
  sweeps = 0;

  /** A function of the module's. */
  named(name: string): PoolFunction {
    return this.#byName.get(name) ?? this.#add(this.#byName, name, { name });
  }

  /**
   * An inline function.
   *
   * @param streams Whether it may be a generator
   * @throws {TypeError} If it cannot be sent as source
   */
  inline(fn: InlineFunction, streams = false): PoolFunction {
    let known = this.#byFunction.get(fn);
    if (known === undefined || !known.isKept) {
      const name = nameOf(fn);
      const source = Function.prototype.toString.call(fn);
      // A closure made anew for each call has the same source each time.
      const key = `${name} ${source}`;
      known = this.#bySource.get(key);
      if (known === undefined) {
        checkSource(fn, source);
        // A part of the key takes no memory of its own.
        const part = key.slice(name.length + 1);
        const place = placeOfCaller();
        known = this.#add(this.#bySource, key, { name, source: part, place });
        if (isGenerator(fn)) known.isGenerator = true;
      }
      this.#byFunction.set(fn, known);
    }
    if (known.isGenerator && !streams) {
      throw unusable(fn, "a generator", "call it with stream()");
    }
    return known;
  }

  /** A function that calls another one with each of its arguments. */
  batchOf(fn: PoolFunction): PoolFunction {
    const { name, source, place } = fn;
    return this.#batches.get(fn) ??
      this.#add(this.#batches, fn, { name, source, place, isBatch: true });
  }

  /**
   * An inline function that comes from a worker, as its source.
   *
   * @throws {TypeError} If it cannot be sent as source
   */
  ofSource(name: string, source: string): PoolFunction {
    const key = `${name} ${source}`;
    const known = this.#bySource.get(key);
    if (known) return known;
    checkSource({ name }, source);
    return this.#add(this.#bySource, key, { name, source });
  }

  /** A job that runs it is accepted, in the turn in which it was found here. */
  begin(fn: PoolFunction): void {
    if (fn.jobs++ === 0) this.#idle--;
  }

  /** A job that runs it has settled: it will not be sent any more. */
  end(fn: PoolFunction): void {
    if (--fn.jobs === 0) this.#rest();
  }

  #add<Key>(
    index: Map<Key, PoolFunction>,
    key: Key,
    definition: Omit<FunctionDefinition, "id">,
  ): PoolFunction {
    const id = this.#freeIds.pop() ?? this.#ids++;
    const fn: PoolFunction = { id, ...definition, jobs: 0, isKept: true };
    index.set(key, fn);
    this.#rest();
    return fn;
  }

  #rest(): void {
    if (++this.#idle <= 2 * KEPT || this.#isSweepDue) return;
    this.#isSweepDue = true;
    // Never while a call is being accepted, whose function has no jobs yet.
    queueMicrotask(() => this.#sweep());
  }

  /** Forgets functions that have no jobs: first names, which are made again cheaply, and the oldest. */
  #sweep(): void {
    this.#isSweepDue = false;
    this.sweeps++;
    this.#forget(this.#batches);
    this.#forget(this.#byName);
    this.#forget(this.#bySource);
  }

  #forget<Key>(index: Map<Key, PoolFunction>): void {
    for (const [key, fn] of index) {
      if (this.#idle <= KEPT) return;
      if (fn.jobs > 0) continue;
      index.delete(key);
      fn.isKept = false;
      this.#freeIds.push(fn.id);
      this.#idle--;
    }
  }
}

/** The functions that one worker knows. */
export class KnownFunctions {
  readonly #table: FunctionTable;
  readonly #byId: (PoolFunction | undefined)[] = [];
  #sweeps = 0;

  constructor(table: FunctionTable) {
    this.#table = table;
  }

  /** What the worker has to be told before it is sent these jobs. */
  definitionsFor(
    jobs: readonly { readonly fn: PoolFunction }[],
  ): FunctionsMessage | undefined {
    let message: FunctionsMessage | undefined;
    if (this.#sweeps !== this.#table.sweeps) {
      const forgotten = this.#forget();
      message = { kind: "functions", forgotten, definitions: [] };
    }
    for (const { fn } of jobs) {
      if (this.#byId[fn.id] === fn) continue;
      message ??= { kind: "functions", forgotten: [], definitions: [] };
      const { id, name, source, place, isBatch } = fn;
      message.definitions.push({ id, name, source, place, isBatch });
      while (this.#byId.length < id) this.#byId.push(undefined);
      this.#byId[id] = fn;
    }
    return message;
  }

  #forget(): number[] {
    this.#sweeps = this.#table.sweeps;
    const forgotten: number[] = [];
    this.#byId.forEach((fn, id) => {
      if (fn === undefined || fn.isKept) return;
      this.#byId[id] = undefined;
      forgotten.push(id);
    });
    return forgotten;
  }
}

// deno-lint-ignore ban-types
type InlineFunction = Function;

const GENERATORS = [
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async function* () {}),
];
const COMMENT = String.raw`\/\/.*|\/\*(?:(?!\*\/)[^])*\*\/`;
const SPACE = String.raw`(?:\s|${COMMENT})*`;
const TEXT = String.raw`(["'\`])(?:\\[^]|(?!\1)[^\\])*\1`;
const IMPORT = String
  .raw`(?<![\w$.#])import${SPACE}(?:\.${SPACE}\w+${SPACE})?\(${SPACE}`;
/** An import of a name that begins as a relative one; or a comment or a text, which may only look like one. */
const RELATIVE_IMPORTS = new RegExp(
  `${IMPORT}["'\`](?<specifier>\\.{0,2}\\/[^"'\`]*)|${COMMENT}|${TEXT}`,
  "g",
);

/** All that a message needs of a function. */
type Named = { name: unknown };

/** The name that a job goes by; a static method may have taken its place. */
function nameOf({ name }: Named): string {
  return typeof name === "string" && name !== "" ? name : "inline";
}

function isGenerator(fn: InlineFunction): boolean {
  return GENERATORS.includes(Object.getPrototypeOf(fn));
}

function checkSource(fn: Named, source: string): void {
  if (/^class\b/.test(source)) {
    throw unusable(fn, "a class", "call it in a job module");
  }
  if (/\{\s*\[native code\]\s*\}$/.test(source)) {
    throw unusable(
      fn,
      "a native or bound function",
      "call it in an arrow function",
    );
  }
  for (const { groups } of source.matchAll(RELATIVE_IMPORTS)) {
    const specifier = groups?.specifier;
    if (specifier === undefined) continue;
    throw new TypeError(
      `Inline job "${
        nameOf(fn)
      }" imports "${specifier}", but there is nothing that a relative import could start from: expected an absolute URL, such as \`import.meta.resolve()\` gives, passed through args`,
    );
  }
  try {
    new Function(`"use strict"; return (${source}\n)`);
  } catch (cause) {
    throw whyRefused(fn, source, cause as SyntaxError);
  }
  if (source.includes("arguments")) checkArguments(fn, source);
}

/** An arrow function has the `arguments` of the function around it. */
function checkArguments(fn: Named, source: string): void {
  try {
    // There such `arguments` are an error.
    new Function(`"use strict"; (class { field = (${source}\n); })`);
  } catch (cause) {
    throw new TypeError(
      `Inline job "${
        nameOf(fn)
      }" uses \`arguments\` of the function around it: pass values through args`,
      { cause },
    );
  }
}

function whyRefused(
  fn: Named,
  source: string,
  cause: SyntaxError,
): TypeError {
  const { message } = cause;
  if (message.includes("import.meta")) {
    return new TypeError(
      `Inline job "${
        nameOf(fn)
      }" uses \`import.meta\`, which only a module has: pass what you need of it through args`,
      { cause },
    );
  }
  if (isMethod(source) || message.includes("super")) {
    return unusable(
      fn,
      "a method",
      "write it as a function or an arrow function, without `this`",
      cause,
    );
  }
  return unusable(
    fn,
    "a source that strict mode refuses",
    message,
    cause,
  );
}

/** Whether a source is that of a method, a getter or a setter. */
function isMethod(source: string): boolean {
  // Private names stand in classes only.
  const members = source.replaceAll(/#(?=[\w$])/g, "_");
  try {
    new Function(`"use strict"; ({${members}\n})`);
    return true;
  } catch {
    return false;
  }
}

function unusable(
  fn: Named,
  what: string,
  advice: string,
  cause?: unknown,
): TypeError {
  return new TypeError(
    `Expected \`job\` to be a self-contained function, got ${what}, "${
      nameOf(fn)
    }": ${advice}`,
    cause === undefined ? undefined : { cause },
  );
}
