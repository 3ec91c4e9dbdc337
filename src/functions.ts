// The functions that a pool's jobs run, each known by a small number to main
// and to the workers.

import type { FunctionDefinition } from "./protocol.ts";

/** A table of functions that only grows: a worker is told what it lacks. */
export class FunctionTable {
  readonly definitions: FunctionDefinition[] = [];
  readonly #byName = new Map<string, number>();
  readonly #byFunction = new WeakMap<InlineFunction, number>();
  readonly #bySource = new Map<string, number>();

  /** The number of a function of the module's. */
  named(name: string): number {
    return this.#byName.get(name) ?? this.#add(this.#byName, name, { name });
  }

  /**
   * The number of an inline function.
   *
   * @throws {TypeError} If it cannot be sent as source
   */
  inline(fn: InlineFunction): number {
    let id = this.#byFunction.get(fn);
    if (id === undefined) {
      const source = Function.prototype.toString.call(fn);
      // A closure made anew for each call has the same source each time.
      const key = `${nameOf(fn)} ${source}`;
      id = this.#bySource.get(key) ?? this.#addInline(key, fn, source);
      this.#byFunction.set(fn, id);
    }
    return id;
  }

  #addInline(key: string, fn: InlineFunction, source: string): number {
    checkSource(fn, source);
    return this.#add(this.#bySource, key, {
      name: nameOf(fn),
      source,
    });
  }

  #add(
    index: Map<string, number>,
    key: string,
    definition: FunctionDefinition,
  ) {
    const id = this.definitions.push(definition) - 1;
    index.set(key, id);
    return id;
  }
}

// deno-lint-ignore ban-types
type InlineFunction = Function;

const GENERATORS = [
  Object.getPrototypeOf(function* () {}),
  Object.getPrototypeOf(async function* () {}),
];
/** An import of a relative name; or a comment or a text, which may only look like one. */
const RELATIVE_IMPORTS =
  /\bimport\s*\(\s*(["'`])(?<specifier>\.{0,2}\/[^"'`]*)\1|\/\/.*|\/\*[^]*?\*\/|(["'`])(?:\\[^]|(?!\3)[^\\])*\3/g;

/** The name that a job goes by; a static method may have taken its place. */
function nameOf({ name }: { name: unknown }): string {
  return typeof name === "string" && name !== "" ? name : "inline";
}

function checkSource(fn: InlineFunction, source: string): void {
  if (GENERATORS.includes(Object.getPrototypeOf(fn))) {
    throw unusable(fn, "a generator");
  }
  if (/^class\b/.test(source)) throw unusable(fn, "a class");
  if (/\{\s*\[native code\]\s*\}$/.test(source)) {
    throw unusable(fn, "a native or bound function");
  }
  for (const { groups } of source.matchAll(RELATIVE_IMPORTS)) {
    const specifier = groups?.specifier;
    if (specifier === undefined) continue;
    throw new TypeError(
      `Inline job "${
        nameOf(fn)
      }" imports "${specifier}", but there is nothing that a relative import could start from: expected an absolute URL`,
    );
  }
  try {
    new Function(`"use strict"; return (${source}\n)`);
  } catch (cause) {
    throw unusable(fn, "a method, or a source that strict mode refuses", cause);
  }
}

function unusable(
  fn: InlineFunction,
  what: string,
  cause?: unknown,
): TypeError {
  return new TypeError(
    `Expected \`job\` to be a self-contained function, got ${what}: ${
      nameOf(fn)
    }`,
    cause === undefined ? undefined : { cause },
  );
}
