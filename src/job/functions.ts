// The functions that a pool's jobs run. Main and the workers identify each
// function by a small number.

import type { FunctionDefinition, FunctionsMessage } from "../wire/protocol.ts";
import { placeOfCaller } from "../values/stacks.ts";

/** A function that jobs need or may soon need again. */
export interface PoolFunction extends FunctionDefinition {
  /** Number of its jobs that have not settled. */
  jobs: number;
  /** Mean time of its jobs in ms, measured if any job has had a priority. */
  mean?: number;
  /** Whether the table contains the function. A worker can know it for longer. */
  isKept: boolean;
  /** Whether the function is an inline generator, which only a stream can run. */
  isGenerator?: boolean;
}

/** Number of functions without jobs to keep; between two sweeps, up to twice as many. */
const KEPT = 1_000;

/** The functions that have jobs, and the last functions that had jobs. */
export class FunctionTable {
  readonly #byName = new Map<string, PoolFunction>();
  readonly #byFunction = new WeakMap<InlineFunction, PoolFunction>();
  readonly #bySource = new Map<string, PoolFunction>();
  /** Functions that run batches, by the function that they call. */
  readonly #batches = new Map<PoolFunction, PoolFunction>();
  readonly #freeIds: number[] = [];
  #ids = 0;
  /** Number of functions without jobs. */
  #idle = 0;
  #isSweepDue = false;
  /** How often functions were forgotten. */
  sweeps = 0;

  /** Returns a function of the module. */
  named(name: string): PoolFunction {
    return this.#byName.get(name) ?? this.#add(this.#byName, name, { name });
  }

  /**
   * Returns an inline function.
   *
   * @param streams Whether a generator is allowed
   * @throws {TypeError} If the function cannot be sent as source
   */
  inline(fn: InlineFunction, streams = false): PoolFunction {
    let known = this.#byFunction.get(fn);
    if (known === undefined || !known.isKept) {
      const name = nameOf(fn);
      const source = Function.prototype.toString.call(fn);
      // A closure that is created for each call always has the same source.
      const key = `${name} ${source}`;
      known = this.#bySource.get(key);
      if (known === undefined) {
        checkSource(fn, source);
        // A slice of the key takes no additional memory.
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

  /** Returns the function that calls another function with each of its arguments. */
  batchOf(fn: PoolFunction): PoolFunction {
    const { name, source, place } = fn;
    return this.#batches.get(fn) ??
      this.#add(this.#batches, fn, { name, source, place, isBatch: true });
  }

  /**
   * Returns an inline function that a worker sent as source.
   *
   * @throws {TypeError} If the function cannot be sent as source
   */
  ofSource(name: string, source: string): PoolFunction {
    const key = `${name} ${source}`;
    const known = this.#bySource.get(key);
    if (known) return known;
    checkSource({ name }, source);
    return this.#add(this.#bySource, key, { name, source });
  }

  /** Counts an accepted job. Must run in the same turn as the lookup of its function. */
  begin(fn: PoolFunction): void {
    if (fn.jobs++ === 0) this.#idle--;
  }

  /** Counts a job as settled: it will not be sent again. */
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
    // Later: the function of a call that is being accepted has no jobs yet.
    queueMicrotask(() => this.#sweep());
  }

  /** Forgets functions without jobs, oldest first: batches and names before inline functions. */
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

  /** Returns the message that the worker needs before these jobs. */
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
/** Matches relative imports. Also matches comments and strings, to skip imports in them. */
const RELATIVE_IMPORTS = new RegExp(
  `${IMPORT}["'\`](?<specifier>\\.{0,2}\\/[^"'\`]*)|${COMMENT}|${TEXT}`,
  "g",
);

/** The only part of a function that error messages need. */
type Named = { name: unknown };

/** Returns the name of the job; a static method of a class can replace `name`. */
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

/** Throws if an arrow function uses the `arguments` of the function around it. */
function checkArguments(fn: Named, source: string): void {
  try {
    // In a field of a class, such `arguments` are an error.
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

/** Returns whether a source is that of a method, a getter or a setter. */
function isMethod(source: string): boolean {
  // Private names are valid in classes only.
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
