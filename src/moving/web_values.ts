// Sends web platform values that `postMessage` would turn into `{}`, such as a `URL`:
// as plain data, from which the other thread makes the value again.

import { hasOwn } from "../values/intrinsics.ts";
import { classNameOf } from "../values/names.ts";
import type { Moved, MovingKind } from "./kind.ts";

/** Converts values of a type to data and back. */
interface Codec<T> {
  toData(value: T): unknown;
  // deno-lint-ignore no-explicit-any
  fromData(data: any): T;
}

const CODECS: Record<string, Codec<unknown>> = {
  URL: codec<URL>(({ href }) => href, (href: string) => new URL(href)),
  URLSearchParams: codec<URLSearchParams>(
    String,
    (text: string) => new URLSearchParams(text),
  ),
  Headers: codec<Headers>(
    (headers) => [...headers],
    (entries: [string, string][]) => new Headers(entries),
  ),
  FormData: codec<FormData>(
    (form) => [...form],
    (entries: [string, string | File][]) => {
      const form = new FormData();
      for (const [name, value] of entries) form.append(name, value);
      return form;
    },
  ),
  ImageData: codec<ImageData>(
    // Copied, because jobs that share a message must not share an object.
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
  toData: Codec<T>["toData"],
  fromData: Codec<T>["fromData"],
): Codec<unknown> {
  return { toData: (value) => toData(value as T), fromData };
}

/** Returns whether values with this tag are sent as plain data. */
export function isWebValue(tag: string): boolean {
  return hasOwn(CODECS, tag);
}

/** Returns the data of such a value. */
export function toData(value: object): unknown {
  return CODECS[classNameOf(value)].toData(value);
}

interface MovedValue extends Moved {
  kind: "value";
  type: string;
  data: unknown;
}

/** The entry for such values in the table of kinds. */
export const WEB_VALUE: MovingKind<object, MovedValue> = {
  depart(value, { data }) {
    const moved: MovedValue = { kind: "value", type: classNameOf(value), data };
    return { send: () => moved };
  },
  arrive(_link, { type, data }) {
    return {
      get value() {
        return CODECS[type].fromData(data);
      },
    };
  },
};
