// What has moved with one value, in the thread to which it came.

import type { Link } from "../flow/link.ts";
import { substituteIn } from "../values/objects.ts";
import { type Arrival, type MovedList, Together } from "./kind.ts";
import { KINDS } from "./kinds.ts";
import { YieldsArrival } from "./yields.ts";

/** All that has arrived with one value. */
export class Arrivals extends Together<Arrival> {
  /** Puts what has arrived into a value, where its placeholders are; gives the value. */
  revive(value: unknown, list: MovedList, link: Link): unknown {
    // All are joined before one is made of them, which may throw.
    this.parts = list.map(([, moved]) => KINDS[moved.kind].arrive(link, moved));
    const revived = new Map<object, unknown>(
      list.map(([placeholder], i) => [placeholder, this.parts[i].value]),
    );
    return substituteIn(value, revived);
  }

  /** The job has started. */
  start(): void {
    for (const arrival of this.parts) arrival.start?.();
  }

  /** The job is told to end. */
  abort(reason: unknown): void {
    for (const arrival of this.parts) arrival.abort?.(reason);
  }

  /** Where what the job yields goes, if it is a generator. */
  get yields(): YieldsArrival | undefined {
    return this.parts.find((one) => one instanceof YieldsArrival);
  }

  /** The job reports a value. */
  report(value: unknown): void {
    for (const arrival of this.parts) arrival.report?.(value);
  }

  /** The handler has ended. */
  flush(): void {
    for (const arrival of this.parts) arrival.flush?.();
  }

  /** The job has ended. */
  end(failure?: { thrown: unknown }): void {
    for (const arrival of this.parts) arrival.end?.(failure);
  }
}
