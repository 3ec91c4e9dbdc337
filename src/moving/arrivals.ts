// Collects everything that moved with one value, in the thread where it arrives.

import type { Link } from "../flow/link.ts";
import { SafeMap } from "../values/intrinsics.ts";
import { substituteIn } from "../values/objects.ts";
import { type Arrival, type MovedList, Together } from "./kind.ts";
import { KINDS } from "./kinds.ts";
import { YieldsArrival } from "./yields.ts";

/** Everything that arrived with one value. */
export class Arrivals extends Together<Arrival> {
  /** Replaces a value's placeholders with what arrived. Returns the value. */
  revive(value: unknown, list: MovedList, link: Link): unknown {
    // Join every channel before making any value, which can throw.
    this.parts = list.map(([, moved]) => KINDS[moved.kind].arrive(link, moved));
    const revived = new SafeMap<object, unknown>();
    list.forEach(([placeholder], i) => {
      revived.set(placeholder, this.parts[i].value);
    });
    return substituteIn(value, revived);
  }

  /** Notifies each arrival that the job has started. */
  start(): void {
    for (const arrival of this.parts) arrival.start?.();
  }

  /** Notifies each arrival that the job is aborted. */
  abort(reason: unknown): void {
    for (const arrival of this.parts) arrival.abort?.(reason);
  }

  /** Destination of the values that the job yields, if it is a generator. */
  get yields(): YieldsArrival | undefined {
    return this.parts.find((one) => one instanceof YieldsArrival);
  }

  /** Sends a value that the job reports. */
  report(value: unknown): void {
    for (const arrival of this.parts) arrival.report?.(value);
  }

  /** Notifies each arrival that the handler has ended. */
  flush(): void {
    for (const arrival of this.parts) arrival.flush?.();
  }

  /** Notifies each arrival that the job has ended. */
  end(failure?: { thrown: unknown }): void {
    for (const arrival of this.parts) arrival.end?.(failure);
  }
}
