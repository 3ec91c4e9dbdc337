// Moves a `TransformStream` as its two sides. Chunks written in the thread where it
// arrives are transformed in the thread that it leaves, and return.

import {
  ArrivesTogether,
  DepartsTogether,
  type Moved,
  type MovingKind,
} from "./kind.ts";
import {
  type MovedReadable,
  ReadableArrival,
  ReadableDeparture,
} from "./readable.ts";
import {
  type MovedWritable,
  WritableArrival,
  WritableDeparture,
} from "./writable.ts";

interface MovedTransform extends Moved {
  kind: "transform";
  readable: MovedReadable;
  writable: MovedWritable;
}

/** The entry for transform streams in the table of kinds. */
export const TRANSFORM: MovingKind<TransformStream, MovedTransform> = {
  whyStays: ({ readable, writable }) => {
    return readable.locked || writable.locked ? "is locked" : undefined;
  },
  streamsOf: ({ readable, writable }) => [readable, writable],
  depart(stream, { isOnce }) {
    const readable = new ReadableDeparture(stream.readable, isOnce);
    const writable = new WritableDeparture(stream.writable);
    return new DepartsTogether([readable, writable], (link) => ({
      kind: "transform",
      readable: readable.send(link),
      writable: writable.send(link),
    }));
  },
  arrive(link, moved) {
    const readable = new ReadableArrival(link, moved.readable);
    const writable = new WritableArrival(link, moved.writable);
    // No constructor accepts two existing sides.
    return new ArrivesTogether([readable, writable], () => {
      return Object.create(TransformStream.prototype, {
        readable: { value: readable.value },
        writable: { value: writable.value },
      });
    });
  },
};
