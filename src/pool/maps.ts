// Creates the maps of a pool, for `map()` and `transform()`.

import type { MapOptions } from "../options.ts";
import { stackOfCaller } from "../values/stacks.ts";
import { JobMap } from "./map.ts";
import { MapJobs } from "./map_jobs.ts";
import { openSource } from "./map_source.ts";
import { streamsOf } from "./map_streams.ts";
import type { PoolParts } from "./parts.ts";
import { mapSettings } from "./settings.ts";

export class Maps {
  readonly #parts: PoolParts;

  constructor(parts: PoolParts) {
    this.#parts = parts;
  }

  /** @throws {TypeError | RangeError | JobNotFoundError} If an argument is wrong */
  map(job: unknown, items: unknown, options?: MapOptions): JobMap {
    const { jobs, settings } = this.#check(job, options);
    return new JobMap(jobs, openSource(items), settings);
  }

  /** @throws {TypeError | RangeError | JobNotFoundError} If an argument is wrong */
  transform(job: unknown, options?: MapOptions): ReadableWritablePair {
    const { jobs, settings } = this.#check(job, options);
    return streamsOf(jobs, settings);
  }

  #check(job: unknown, options: MapOptions | undefined) {
    const { callerStack } = this.#parts.settings;
    const { timeout, priority, ...settings } = mapSettings(
      options,
      this.#parts.settings,
    );
    const jobs = new MapJobs(this.#parts, job, {
      timeout,
      priority,
      callerStack: callerStack ? stackOfCaller() : undefined,
    });
    return { jobs, settings };
  }
}
