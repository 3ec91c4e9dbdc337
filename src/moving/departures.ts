// What moves with one value, in the thread that it leaves.

import type { Departing } from "../values/departing.ts";
import type { Cargo } from "./cargo.ts";
import { type Connect, DepartsTogether, type MovedList } from "./kind.ts";
import { KINDS } from "./kinds.ts";

/** All that departs with one value. */
export class Departures extends DepartsTogether<MovedList> implements Cargo {
  /**
   * From here on the values are the pool's.
   *
   * @param connect Makes departures of connections; without it all is sent only once
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
      // What is only followed is never open, and is let go now.
      this.close(undefined);
      callback();
    });
  }
}
