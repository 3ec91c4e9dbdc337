// The built-in error classes, saved before a job can replace them.

import { deno, getPrototypeOf, SafeMap } from "./intrinsics.ts";

export type ErrorClass = new (message?: string, options?: unknown) => Error;

const CLASSES = new SafeMap<string, ErrorClass>();
/** Names of the classes, by prototype. */
const NAMES = new SafeMap<object, string>();
/** Classes of WebGPU: reading them loads WebGPU. */
const LATE = new SafeMap<string, () => unknown>();

addClasses(globalThis, "");
addClasses(WebAssembly, "WebAssembly.");
addClasses(deno.errors, "Deno.errors.");

function addClasses(namespace: object, prefix: string): void {
  for (const key of Object.getOwnPropertyNames(namespace)) {
    if (prefix === "" && !/(Error|Exception)$/.test(key)) continue;
    const { get, value } = Object.getOwnPropertyDescriptor(namespace, key)!;
    if (get === undefined) addClass(prefix + key, value);
    else LATE.set(key, () => (namespace as Record<string, unknown>)[key]);
  }
}

function addClass(name: string, Class: unknown): void {
  if (typeof Class !== "function") return;
  const { prototype } = Class;
  if (prototype !== Error.prototype && !(prototype instanceof Error)) return;
  CLASSES.set(name, Class as ErrorClass);
  NAMES.set(prototype, name);
}

/** Returns the built-in class with a name such as `"Deno.errors.NotFound"`. */
export function errorClass(name: string): ErrorClass | undefined {
  const late = LATE.get(name);
  if (late !== undefined) {
    LATE.delete(name);
    addClass(name, late());
  }
  return CLASSES.get(name);
}

/** Returns the name of the nearest built-in class of an error. */
export function errorClassName(error: Error): string {
  let elsewhere: string | undefined;
  for (
    let prototype: object | null = getPrototypeOf(error);
    prototype !== null;
    prototype = getPrototypeOf(prototype)
  ) {
    const known = NAMES.get(prototype);
    if (known !== undefined) return known;
    const name = prototype.constructor?.name;
    if (LATE.has(name) && errorClass(name) && NAMES.has(prototype)) return name;
    // A class of another realm has only the name in common.
    if (CLASSES.has(name)) elsewhere ??= name;
  }
  return elsewhere ?? "Error";
}

/** Constructor options of these classes; they are not own properties of the errors. */
export const OPTIONS: Record<string, string[]> = {
  QuotaExceededError: ["quota", "requested"],
  GPUPipelineError: ["reason"],
};
