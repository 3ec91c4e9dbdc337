// Values of the web platform that hold data and that `postMessage` would turn
// into `{}`: as plain data, and back.

import { hasOwn } from "../values/intrinsics.ts";

/** How a type is taken apart and put together again. */
interface Codec<T> {
  toData(value: T): unknown;
  // deno-lint-ignore no-explicit-any
  fromData(data: any): T;
}

const CODECS: Record<string, Codec<unknown>> = {
  URL: codec<URL>((url) => url.href, (href: string) => new URL(href)),
  URLSearchParams: codec<URLSearchParams>(
    String,
    (text: string) => new URLSearchParams(text),
  ),
  Headers: codec<Headers>(
    (headers) => [...headers],
    (entries: [string, string][]) => new Headers(entries),
  ),
  FormData: codec<FormData>((form) => [...form], toFormData),
  ImageData: codec<ImageData>(
    // A copy: jobs that share a message share no object.
    ({ data, width, height, colorSpace }) => [
      data.slice(),
      width,
      height,
      colorSpace,
    ],
    ([data, width, height, colorSpace]) =>
      new ImageData(data, width, height, { colorSpace }),
  ),
};

function codec<T>(
  toData: (value: T) => unknown,
  // deno-lint-ignore no-explicit-any
  fromData: (data: any) => T,
): Codec<unknown> {
  return { toData: (value) => toData(value as T), fromData };
}

function toFormData(entries: [string, string | File][]): FormData {
  const form = new FormData();
  for (const [name, value] of entries) form.append(name, value);
  return form;
}

/** Whether a value, by its tag, is one of these. */
export function isWebValue(value: object, tag: string): boolean {
  if (!hasOwn(CODECS, tag)) return false;
  const Class =
    (globalThis as unknown as Record<string, new () => unknown>)[tag];
  return value instanceof Class;
}

/** Takes a value apart. */
export function toData(type: string, value: unknown): unknown {
  return CODECS[type].toData(value);
}

/** Puts a value together. */
export function fromData(type: string, data: unknown): unknown {
  return CODECS[type].fromData(data);
}
