// The streams behind `transform()`: items are written, and results are read.

import { JobMap, type MapSettings } from "./map.ts";
import type { MapJobs } from "./map_jobs.ts";
import { openSource, type Source } from "./map_source.ts";

/** Returns the streams of a map that begins with the first read. */
export function streamsOf(
  jobs: MapJobs,
  settings: MapSettings,
): ReadableWritablePair {
  const aborted = new AbortController();
  let hasLetGo = false;
  const written = new TransformStream({
    cancel(reason) {
      // An abort drops results, but a failed map has results before its error.
      if (!hasLetGo) aborted.abort(reason);
    },
  });
  const items = openSource(written.readable);
  const source: Source = {
    pull: () => items.pull(),
    end(reason, isPulled) {
      hasLetGo = true;
      return items.end(reason, isPulled);
    },
  };
  const signal = settings.signal
    ? AbortSignal.any([aborted.signal, settings.signal])
    : aborted.signal;
  const results = new JobMap(jobs, source, { ...settings, signal });
  let onAbort = () => {};
  const ignore = () => signal.removeEventListener("abort", onAbort);
  const readable = new ReadableStream({
    start(controller) {
      // Perhaps there is no read at that time, or there has never been one.
      onAbort = () => {
        controller.error(signal.reason);
        results.end(signal.reason).catch(() => {
          // Both streams report the abort.
        });
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort);
    },
    async pull(controller) {
      let isOver = true;
      try {
        const { done, value } = await results.next();
        isOver = done === true;
        if (isOver) controller.close();
        else controller.enqueue(value);
      } finally {
        if (isOver) ignore();
      }
    },
    cancel(reason) {
      ignore();
      return results.end(reason);
    },
  }, { highWaterMark: 0 });
  return { readable, writable: written.writable };
}
