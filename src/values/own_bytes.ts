// Cuts views out of their buffers, so a view is sent with its own bytes only. Node
// keeps small Buffers in one pool, along with other data of the program. Views that
// overlap still overlap when they arrive.

import {
  bufferOf,
  type Bytes,
  hasFixedLength,
  lengthOf,
  offsetOf,
  viewLike,
  widthOf,
} from "./bytes.ts";
import { isView, SafeMap, setBytes, sortList } from "./intrinsics.ts";

const { ArrayBuffer, Uint8Array } = globalThis;

/** A view, with its start and end in its buffer. */
interface Span {
  view: ArrayBufferView;
  start: number;
  end: number;
}

/** Returns whether a view has only a part of its buffer; `false` if that is resizable, as the view can follow its length. */
export function isPart(view: ArrayBufferView): boolean {
  const buffer = bufferOf(view);
  return hasFixedLength(buffer) && lengthOf(view) < lengthOf(buffer);
}

/**
 * Returns a replacement, with only its own bytes, for each view of a part of a buffer.
 *
 * @param goesWhole Returns whether a buffer is sent whole
 */
export function cutViews(
  bytes: readonly Bytes[],
  goesWhole: (buffer: ArrayBuffer) => boolean,
): Map<object, object> {
  const spansOf = new SafeMap<ArrayBuffer, Span[]>();
  for (let i = 0; i < bytes.length; i++) {
    const view = bytes[i];
    if (!isView(view)) continue;
    const buffer = bufferOf(view);
    if (!hasFixedLength(buffer) || goesWhole(buffer)) continue;
    const start = offsetOf(view);
    let spans = spansOf.get(buffer);
    if (spans === undefined) spansOf.set(buffer, spans = []);
    spans[spans.length] = { view, start, end: start + lengthOf(view) };
  }
  const cuts = new SafeMap<object, object>();
  spansOf.forEach((spans, buffer) => cutBuffer(buffer, spans, cuts));
  return cuts;
}

/** Cuts a buffer into pieces; views that overlap share a piece. */
function cutBuffer(
  buffer: ArrayBuffer,
  spans: Span[],
  cuts: Map<object, object>,
): void {
  sortList(spans, (a, b) => a.start - b.start);
  for (let from = 0, to = 0; from < spans.length; from = to) {
    const { start } = spans[from];
    let end = start;
    let widest = 1;
    do {
      const span = spans[to];
      if (span.end > end) end = span.end;
      const width = widthOf(span.view);
      if (width > widest) widest = width;
    } while (++to < spans.length && spans[to].start < end);
    if (end - start === lengthOf(buffer)) continue;
    // Padding before the piece keeps the widest elements aligned.
    const padding = start % widest;
    const own = new ArrayBuffer(padding + end - start);
    const piece = new Uint8Array(buffer, start, end - start);
    setBytes(new Uint8Array(own), piece, padding);
    for (let i = from; i < to; i++) {
      const { view } = spans[i];
      cuts.set(view, viewLike(view, own, padding + spans[i].start - start));
    }
  }
}
