// Collects everything that moves with one value, in the thread that it leaves.

import type { Departing } from "../values/departing.ts";
import type { Cargo } from "./cargo.ts";
import { type Connect, DepartsTogether, type MovedList } from "./kind.ts";
import { KINDS } from "./kinds.ts";

/** Everything that departs with one value. */
export class Departures extends DepartsTogether<MovedList> implements Cargo {
  /**
   * Takes ownership of the values.
   *
   * @param connect Makes departures of connections. Without it, values are sent only once
   */
  constructor(departing: Departing, connect?: Connect) {
    const isOnce = connect === undefined;
    const all = departing.map(({ value, kind, data }) => {
      return KINDS[kind].depart(value, { isOnce, data, connect });
    });
    super(
      all,
      (link) => {
        return departing.map(({ placeholder }, i) => {
          return [placeholder, all[i].send(link)];
        });
      },
      all.reduce((sum, { size = 0 }) => sum + size, 0),
    );
  }

  override whenClosed(callback: () => void): void {
    super.whenClosed(() => {
      // Signals that are only followed are never open, so they are released here.
      this.close(undefined);
      callback();
    });
  }
}
