// A view goes with its own bytes, and not with all the memory behind it: Node
// keeps small Buffers in one pool, with whatever else the program has in it.
// Views that overlap still do so where they arrive.

import { bufferOf, isResizable, lengthOf, offsetOf } from "./cloneable.ts";
import {
  addEntry,
  addItem,
  clearMap,
  clearSet,
  eachEntry,
  eachItem,
  getPrototypeOf,
  isArray,
  isView,
  keys,
  objectPrototype,
  SafeMap,
  setBytes,
  sortList,
  unbind,
} from "./intrinsics.ts";
import { tagOf } from "./tag.ts";

/** As they were before any job could overwrite them. */
const { ArrayBuffer, Map, Set, Uint8Array } = globalThis;
const sliceBuffer = unbind(ArrayBuffer.prototype.slice);

interface ViewClass {
  new (buffer: ArrayBuffer, offset: number, length: number): ArrayBufferView;
  readonly BYTES_PER_ELEMENT?: number;
}

const CLASSES = new SafeMap<string, ViewClass>();
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
) CLASSES.set(Class.name, Class as unknown as ViewClass);

/** A view, and where its bytes are. */
interface Span {
  view: ArrayBufferView;
  start: number;
  end: number;
}

/** Whether a view shows only a part of a buffer that is cloned. */
export function isPart(view: ArrayBufferView): boolean {
  const buffer = bufferOf(view);
  // What is resizable goes whole: a view may follow its length.
  return buffer instanceof ArrayBuffer && !isResizable(buffer) &&
    lengthOf(view) < lengthOf(buffer);
}

/**
 * Gives each view that shows only a part of its buffer one of its own bytes.
 *
 * @param goesWhole Whether a buffer goes as it is
 */
export function cutViews(
  bytes: readonly (ArrayBufferLike | ArrayBufferView)[],
  goesWhole: (buffer: ArrayBuffer) => boolean,
): Map<object, object> {
  const byBuffer = new SafeMap<ArrayBuffer, Span[]>();
  const cuts = new SafeMap<object, object>();
  for (let i = 0; i < bytes.length; i++) {
    const view = bytes[i];
    if (!isView(view)) continue;
    const buffer = bufferOf(view);
    if (
      !(buffer instanceof ArrayBuffer) || isResizable(buffer) ||
      goesWhole(buffer)
    ) continue;
    const start = offsetOf(view);
    let spans = byBuffer.get(buffer);
    if (spans === undefined) byBuffer.set(buffer, spans = []);
    spans[spans.length] = { view, start, end: start + lengthOf(view) };
  }
  byBuffer.forEach((spans, buffer) => cutBuffer(buffer, spans, cuts));
  return cuts;
}

function cutBuffer(
  buffer: ArrayBuffer,
  spans: Span[],
  cuts: Map<object, object>,
): void {
  sortList(spans, (a, b) => a.start - b.start);
  for (let from = 0, to = 1; from < spans.length; from = to, to++) {
    let { end } = spans[from];
    while (to < spans.length && spans[to].start < end) {
      if (spans[to].end > end) end = spans[to].end;
      to++;
    }
    if (end - spans[from].start < lengthOf(buffer)) {
      cutSpans(buffer, spans, from, to, end, cuts);
    }
  }
}

/** Copies the bytes of views that overlap. */
function cutSpans(
  buffer: ArrayBuffer,
  spans: Span[],
  from: number,
  to: number,
  end: number,
  cuts: Map<object, object>,
): void {
  const { start } = spans[from];
  let widest = 1;
  for (let i = from; i < to; i++) {
    const width = classOf(spans[i].view).BYTES_PER_ELEMENT ?? 1;
    if (width > widest) widest = width;
  }
  // So far from their buffer's start that the widest elements stay aligned.
  const padding = start % widest;
  const own = new ArrayBuffer(padding + end - start);
  setBytes(
    new Uint8Array(own),
    new Uint8Array(buffer, start, end - start),
    padding,
  );
  for (let i = from; i < to; i++) {
    const { view, start: at } = spans[i];
    const Class = classOf(view);
    const offset = padding + at - start;
    const length = lengthOf(view) / (Class.BYTES_PER_ELEMENT ?? 1);
    cuts.set(view, new Class(own, offset, length));
  }
}

/** A copy of a buffer that is not shared, or of a view of one with what it shows. */
export function copyOf<Bytes extends ArrayBufferLike | ArrayBufferView>(
  bytes: Bytes,
): Bytes {
  if (!isView(bytes)) return sliceBuffer(bytes as ArrayBuffer, 0) as Bytes;
  const start = offsetOf(bytes);
  const end = start + lengthOf(bytes);
  const copy = sliceBuffer(bufferOf(bytes) as ArrayBuffer, start, end);
  const Class = classOf(bytes);
  const length = (end - start) / (Class.BYTES_PER_ELEMENT ?? 1);
  return new Class(copy, 0, length) as ArrayBufferView as Bytes;
}

function classOf(view: ArrayBufferView): ViewClass {
  return CLASSES.get(tagOf(view))!;
}

/** Puts, in a container, others in the place of some objects. */
export function substitute(
  container: object,
  others: Map<object, object>,
): void {
  const other = (value: unknown) => others.get(value as object) ?? value;
  if (container instanceof Map) {
    const entries: unknown[] = [];
    eachEntry(container, (value, key) => {
      entries[entries.length] = other(key);
      entries[entries.length] = other(value);
    });
    clearMap(container);
    for (let i = 0; i < entries.length; i += 2) {
      addEntry(container, entries[i], entries[i + 1]);
    }
  } else if (container instanceof Set) {
    const items: unknown[] = [];
    eachItem(container, (item) => items[items.length] = other(item));
    clearSet(container);
    for (let i = 0; i < items.length; i++) addItem(container, items[i]);
  } else if (
    isArray(container) || getPrototypeOf(container) === objectPrototype
  ) {
    const names = keys(container);
    const parts = container as Record<string, unknown>;
    for (let i = 0; i < names.length; i++) {
      const part = parts[names[i]];
      if (others.has(part as object)) {
        parts[names[i]] = others.get(part as object);
      }
    }
  }
}
