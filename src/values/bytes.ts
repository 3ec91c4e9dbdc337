// Buffers and their views, read in ways that no job can replace.

import {
  getPrototypeOf,
  isView,
  SafeMap,
  typedArrayTagOf,
  unbind,
  unbindGetter,
} from "./intrinsics.ts";
import { classNameOf } from "./names.ts";

/** A buffer, or a view of one. */
export type Bytes = ArrayBufferLike | ArrayBufferView;

/** A value of more bytes is large: few are on their way at once, and none is sent again without need. */
export const LARGE: number = 64 * 1024;

const { ArrayBuffer, DataView, structuredClone } = globalThis;
/** Whether a buffer has moved. */
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
/** Whether a buffer can change its length. */
const isResizable = unbindGetter<boolean>(
  ArrayBuffer.prototype,
  "resizable",
);
/** The buffer of a view. */
export const bufferOf = viewGetter<ArrayBufferLike>("buffer");
/** Where in its buffer a view begins. */
export const offsetOf = viewGetter<number>("byteOffset");

function viewGetter<T>(key: string): (view: ArrayBufferView) => T {
  const ofData = unbindGetter<T>(DataView.prototype, key);
  const ofArray = unbindGetter<T>(getPrototypeOf(Uint8Array.prototype), key);
  return (view) => isData(view) ? ofData(view) : ofArray(view);
}

/** Whether a view is a `DataView`, of whichever realm. */
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

/** The memory that is a value, or that it shows. */
export function memoryOf(bytes: Bytes): ArrayBufferLike {
  return isView(bytes) ? bufferOf(bytes) : bytes;
}

/** How many bytes a buffer that is not shared, or a view, has. */
export function lengthOf(bytes: ArrayBuffer | ArrayBufferView): number {
  return isView(bytes) ? lengthOfView(bytes) : lengthOfBuffer(bytes);
}

/** Whether a buffer, which is not shared, can neither grow nor shrink. */
export function hasFixedLength(buffer: ArrayBufferLike): buffer is ArrayBuffer {
  return buffer instanceof ArrayBuffer && !isResizable(buffer);
}

/** Why a buffer, or a view, has no bytes that it should have, if that is so. */
export function whyLost(bytes: Bytes): string | undefined {
  const buffer = memoryOf(bytes);
  if (!(buffer instanceof ArrayBuffer)) return undefined;
  if (isDetached(buffer)) return "has lost its buffer";
  return isView(bytes) && isResizable(buffer) && isOutOfBounds(bytes)
    ? "is out of bounds: its buffer has been resized"
    : undefined;
}

/** Whether a resizable buffer no longer reaches as far as a view. */
function isOutOfBounds(view: ArrayBufferView): boolean {
  // Of a view that is out of bounds it is 0, or throws for a DataView.
  if (!isData(view) && lengthOf(view) > 0) return false;
  try {
    structuredClone(view);
    return false;
  } catch {
    return true;
  }
}

/** How many bytes an element of a view has. */
export function widthOf(view: ArrayBufferView): number {
  return VIEW_CLASSES.get(classNameOf(view))!.BYTES_PER_ELEMENT ?? 1;
}

/** A view of the same class, and as long, at another place. */
export function viewLike(
  view: ArrayBufferView,
  buffer: ArrayBuffer,
  offset: number,
): ArrayBufferView {
  const Class = VIEW_CLASSES.get(classNameOf(view))!;
  return new Class(buffer, offset, lengthOf(view) / widthOf(view));
}

/** A copy of a buffer that is not shared, or of a view of one with what it shows. */
export function copyOf<B extends Bytes>(bytes: B): B {
  if (!isView(bytes)) return sliceBuffer(bytes as ArrayBuffer, 0) as B;
  const start = offsetOf(bytes);
  const buffer = bufferOf(bytes) as ArrayBuffer;
  const copy = sliceBuffer(buffer, start, start + lengthOf(bytes));
  return viewLike(bytes, copy, 0) as B;
}
