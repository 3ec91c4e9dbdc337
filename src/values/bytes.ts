// Reads buffers and their views with built-ins saved before a job can replace them.

import {
  getPrototypeOf,
  isView,
  SafeMap,
  typedArrayTagOf,
  unbind,
  unbindGetter,
} from "./intrinsics.ts";
import { classNameOf } from "./names.ts";

/** A buffer or a view. */
export type Bytes = ArrayBufferLike | ArrayBufferView;

/** Size in bytes above which a value is large: few are in flight at once, and none is resent without need. */
export const LARGE: number = 64 * 1024;

const { ArrayBuffer, DataView, structuredClone } = globalThis;
/** Returns whether a buffer has moved. */
export const isDetached = unbindGetter<boolean>(
  ArrayBuffer.prototype,
  "detached",
);
const lengthOfBuffer = unbindGetter<number>(
  ArrayBuffer.prototype,
  "byteLength",
);
const sliceBuffer = unbind(ArrayBuffer.prototype.slice);
const lengthOfView = viewGetter<number>("byteLength");
/** Returns whether a buffer can change its length. */
const isResizable = unbindGetter<boolean>(
  ArrayBuffer.prototype,
  "resizable",
);
/** Returns the buffer of a view. */
export const bufferOf = viewGetter<ArrayBufferLike>("buffer");
/** Returns the offset of a view in its buffer. */
export const offsetOf = viewGetter<number>("byteOffset");

function viewGetter<T>(key: string): (view: ArrayBufferView) => T {
  const ofData = unbindGetter<T>(DataView.prototype, key);
  const ofArray = unbindGetter<T>(getPrototypeOf(Uint8Array.prototype), key);
  return (view) => isData(view) ? ofData(view) : ofArray(view);
}

/** Returns whether a view is a `DataView` of any realm. */
function isData(view: ArrayBufferView): view is DataView {
  return typedArrayTagOf(view) === undefined;
}

interface ViewClass {
  new (buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView;
  readonly BYTES_PER_ELEMENT?: number;
}

const VIEW_CLASSES = new SafeMap<string, ViewClass>();
for (
  const Class of [
    BigInt64Array,
    BigUint64Array,
    DataView,
    Float16Array,
    Float32Array,
    Float64Array,
    Int16Array,
    Int32Array,
    Int8Array,
    Uint16Array,
    Uint32Array,
    Uint8Array,
    Uint8ClampedArray,
  ]
) VIEW_CLASSES.set(Class.name, Class as unknown as ViewClass);

/** Returns the buffer itself, or the buffer of a view. */
export function memoryOf(bytes: Bytes): ArrayBufferLike {
  return isView(bytes) ? bufferOf(bytes) : bytes;
}

/** Returns the number of bytes of a view or an unshared buffer. */
export function lengthOf(bytes: ArrayBuffer | ArrayBufferView): number {
  return isView(bytes) ? lengthOfView(bytes) : lengthOfBuffer(bytes);
}

/** Returns whether a buffer is unshared and cannot be resized. */
export function hasFixedLength(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer && !isResizable(buffer);
}

/** Returns why a buffer or view has lost its bytes, if it has. */
export function whyLost(bytes: Bytes): string | undefined {
  const buffer = memoryOf(bytes);
  if (!(buffer instanceof ArrayBuffer)) return undefined;
  if (isDetached(buffer)) return "has lost its buffer";
  return isView(bytes) && isResizable(buffer) && isOutOfBounds(bytes)
    ? "is out of bounds: its buffer has been resized"
    : undefined;
}

/** Returns whether a view extends beyond its resizable buffer. */
function isOutOfBounds(view: ArrayBufferView): boolean {
  // If a view is out of bounds, its length is 0; a DataView throws.
  if (!isData(view) && lengthOf(view) > 0) return false;
  try {
    structuredClone(view);
    return false;
  } catch {
    return true;
  }
}

/** Returns the number of bytes of one element of a view. */
export function widthOf(view: ArrayBufferView): number {
  return VIEW_CLASSES.get(classNameOf(view))!.BYTES_PER_ELEMENT ?? 1;
}

/** Creates a view of the same class and length on another buffer. */
export function viewLike(
  view: ArrayBufferView,
  buffer: ArrayBuffer,
  offset: number,
): ArrayBufferView {
  const Class = VIEW_CLASSES.get(classNameOf(view))!;
  return new Class(buffer, offset, lengthOf(view) / widthOf(view));
}

/** Copies an unshared buffer, or a view with only its own bytes. */
export function copyOf<B extends Bytes>(bytes: B): B {
  if (!isView(bytes)) return sliceBuffer(bytes as ArrayBuffer, 0) as B;
  const start = offsetOf(bytes);
  const buffer = bufferOf(bytes) as ArrayBuffer;
  const copy = sliceBuffer(buffer, start, start + lengthOf(bytes));
  return viewLike(bytes, copy, 0) as B;
}
