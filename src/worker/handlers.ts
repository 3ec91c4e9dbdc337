// The functions that jobs run in this worker: exports of the module, or functions
// made from their source.

import { currentJob } from "./current_job.ts";
import { onStop } from "./on_stop.ts";
import { workerData } from "./worker_data.ts";
import type { FunctionsMessage } from "../wire/protocol.ts";
import {
  apply,
  deno,
  execute,
  getPrototypeOf,
  hasOwn,
  join,
  keys,
  sourceOf,
  stringify,
} from "../values/intrinsics.ts";
import { reword } from "../values/reword.ts";
import { transfer } from "../values/transfer.ts";
import type { OwnThread } from "./own_thread.ts";

/** The exports of a module. */
export type Module = Record<string, unknown>;

/**
 * Returns the module's exports, in a list: a promise would treat a module that
 * exports `then` as a promise. Never resolves if the module ends its thread,
 * because such a thread continues for a while and would accept jobs.
 */
export async function importModule(
  url: string,
  { nextTurn }: OwnThread,
): Promise<[Module]> {
  const scope = globalThis as { close?: () => void };
  const { close } = scope;
  const { exit } = deno;
  const ending = Promise.withResolvers<never>();
  let isEnding = false;
  const ownClose = scope.close = () => {
    isEnding = true;
    close?.call(scope);
  };
  const ownExit: typeof exit = deno.exit = (code) => {
    isEnding = true;
    return exit(code);
  };
  try {
    const { module } = await importWrapped(url);
    // Rejections that the module left are reported before the next turn.
    await nextTurn();
    return isEnding ? ending.promise : [module];
  } finally {
    // The module may have hidden, replaced or frozen these globals.
    if (scope.close === ownClose) Reflect.set(scope, "close", close);
    if (deno.exit === ownExit) Reflect.set(deno, "exit", exit);
  }
}

/** Imports a module through a wrapper that exports its namespace. */
export async function importWrapped(url: string): Promise<{ module: Module }> {
  const text = stringify(url);
  const source = `import * as module from ${text}; export { module };`;
  try {
    return await import(`data:text/javascript,${encodeURIComponent(source)}`);
  } catch (error) {
    if (error instanceof Error) {
      // The line that names the wrapper does not help the reader.
      const place = encodeURIComponent(text);
      const lines = error.message.split("\n");
      reword(error, lines.filter((line) => !line.includes(place)).join("\n"));
    }
    throw error;
  }
}

/** A function that a job runs. */
export interface Handler {
  name: string;
  call: (...args: unknown[]) => unknown;
  /** The function itself, if it is a generator, which only a stream can call. */
  generate?: (...args: unknown[]) => unknown;
  /** Whether the arguments are the items of a batch. */
  isBatch?: boolean;
}

/** The error of a job whose function does not exist. */
export class HandlerNotFound extends Error {}

const GENERATOR = getPrototypeOf(function* () {});
const ASYNC_GENERATOR = getPrototypeOf(async function* () {});
const CLASS = /^class\b/;
/** Saved before a job can replace it. Under this name, `eval` sees only global names. */
const evaluate = eval;

/** The handlers that main has defined and not forgotten, by number. */
export class Handlers {
  readonly #exports: Module;
  readonly #handlers: (Handler | undefined)[] = [];

  /** @param exports The namespace of the pool's module */
  constructor(exports: Module) {
    this.#exports = exports;
  }

  /** Forgets and defines functions; numbers can be reused. */
  define(functions: Omit<FunctionsMessage, "kind">): void {
    const { forgotten, definitions } = functions;
    for (let i = 0; i < forgotten.length; i++) {
      this.#handlers[forgotten[i]] = undefined;
    }
    for (let i = 0; i < definitions.length; i++) {
      const definition = definitions[i];
      const { id, name, source, isBatch } = definition;
      // Numbers can come in any order, and lists must have no holes.
      while (this.#handlers.length < id) {
        this.#handlers[this.#handlers.length] = undefined;
      }
      const handler = this.make(name, source, definition.place);
      this.#handlers[id] = isBatch ? batchOf(handler) : handler;
    }
  }

  /** Returns the handler of a function: an export of the module, or made from its source. */
  make(name: string, source?: string, place?: string): Handler {
    if (source === undefined) return this.#exported(name);
    try {
      return inline(name, source, place);
    } catch (error) {
      // The source comes from a job or a process, so only this function fails.
      const call = () => {
        throw error;
      };
      return { name, call };
    }
  }

  /** Returns the handler with this number, which main has defined before. */
  get(id: number): Handler {
    return this.#handlers[id]!;
  }

  #exported(name: string): Handler {
    const call = hasOwn(this.#exports, name) ? this.#exports[name] : undefined;
    if (isGenerator(call)) {
      return { name, generate: call, call: () => this.#refuse(name, call) };
    }
    if (typeof call === "function" && canBeJob(call)) {
      return { name, call: call as Handler["call"] };
    }
    return {
      name,
      generate: () => this.#refuse(name, call, true),
      call: () => this.#refuse(name, call),
    };
  }

  /** @param streams Whether a generator was expected */
  #refuse(name: string, found: unknown, streams = false): never {
    const missing = `Job "${name}" not found: `;
    if (typeof found === "function") {
      const got = isGenerator(found)
        ? "a function, got a generator: call it with stream()"
        : `a ${streams ? "generator" : "function"}, got a class`;
      throw new HandlerNotFound(`${missing}expected ${got}`);
    }
    const names: string[] = [];
    const exported = keys(this.#exports);
    for (let i = 0; i < exported.length; i++) {
      const value = this.#exports[exported[i]];
      const fits = streams ? isGenerator(value) : canBeJob(value);
      if (fits) names[names.length] = exported[i];
    }
    const what = streams ? "generators" : "functions";
    const list = join(names, ", ") || "(none)";
    throw new HandlerNotFound(
      `${missing}the module exports the ${what} ${list}`,
    );
  }
}

/** Loaded late, so that workers start sooner. */
let batches: typeof import("./batch.ts") | undefined;

/** Returns a handler that calls another handler with each of its arguments. */
function batchOf(handler: Handler): Handler {
  const call = (...items: unknown[]) => {
    return batches ? batches.runBatch(handler, items) : load(items);
  };
  const load = async (items: unknown[]) => {
    batches = await import("./batch.ts");
    return await batches.runBatch(handler, items);
  };
  return { name: handler.name, call, isBatch: true };
}

function canBeJob(value: unknown): boolean {
  return typeof value === "function" && !isGenerator(value) &&
    execute(CLASS, sourceOf(value)) === null;
}

function isGenerator(value: unknown): value is Handler["call"] {
  if (typeof value !== "function") return false;
  const prototype = getPrototypeOf(value);
  return prototype === GENERATOR || prototype === ASYNC_GENERATOR;
}

/** Makes a function from its source. Stack frames show the function's place. */
function inline(
  name: string,
  source: string,
  place: string | undefined,
): Handler {
  // As a URL, this would be a module that `deno test --coverage` looks for.
  const url = place === undefined ? "inline-job" : `@${place}`;
  // The code before the source is in its first line, so lines count from 1.
  const make = evaluate(
    `"use strict"; (function (transfer, currentJob, workerData, onStop) { return (${source}
); })
//# sourceURL=${url}`,
  );
  const scope = [transfer, currentJob, workerData, onStop];
  const call = apply(make, undefined, scope);
  return { name, call: call as Handler["call"] };
}
