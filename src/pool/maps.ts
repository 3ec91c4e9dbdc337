// Makes the maps of a pool, and the streams that are maps.

import type { MapOptions } from "../options.ts";
import { stackOfCaller } from "./intake.ts";
import { JobMap } from "./map.ts";
import { MapJobs, type MapParts } from "./map_jobs.ts";
import { openSource } from "./map_source.ts";
import { mapSettings } from "./settings.ts";

/** A pair of streams, as `pipeThrough()` takes it. */
export interface StreamPair {
  readable: ReadableStream;
  writable: WritableStream;
}

/** The maps of a pool. */
export class Maps {
  readonly #parts: MapParts;

  constructor(parts: MapParts) {
    this.#parts = parts;
  }

  /** @throws {TypeError | RangeError} If the job, the items or the options are wrong */
  map(job: unknown, items: unknown, options?: MapOptions): JobMap {
    const map = this.#prepare(job, options);
    return map(items);
  }

  /** @throws {TypeError | RangeError} If the job or the options are wrong */
  transform(job: unknown, options?: MapOptions): StreamPair {
    const map = this.#prepare(job, options);
    const aborted = new AbortController();
    const { readable: items, writable } = new TransformStream({
      // Also when the map lets its source go, and then nobody listens any more.
      cancel: (reason) => aborted.abort(reason),
    });
    const results = map(items, aborted.signal);
    const readable = new ReadableStream({
      async pull(controller) {
        const { done, value } = await results.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => results.end(reason),
    }, { highWaterMark: 0 });
    return { readable, writable };
  }

  #prepare(job: unknown, options: MapOptions | undefined) {
    const { settings } = this.#parts;
    const { timeout, ...rest } = mapSettings(options, settings);
    // Without its own frames.
    const callerStack = settings.callerStack ? stackOfCaller(6) : undefined;
    const jobs = new MapJobs(this.#parts, job, { timeout, callerStack });
    return (items: unknown, aborted?: AbortSignal) => {
      const { signal } = rest;
      const ends = aborted && signal
        ? AbortSignal.any([aborted, signal])
        : aborted ?? signal;
      return new JobMap(jobs, openSource(items), { ...rest, signal: ends });
    };
  }
}
