// What moves to and from this worker, other than as a clone.

import { WAKE, type WorkerBoard } from "../wire/board.ts";
import { Link } from "../flow/link.ts";
import { FlowRing } from "../flow/ring.ts";
import { Arrivals } from "../moving/arrivals.ts";
import type { MovedList } from "../moving/kind.ts";
import type { Rings } from "../wire/protocol.ts";
import type { Post } from "./host.ts";

/** This worker's side of all that is joined to main. */
export class Traffic {
  readonly link: Link;

  constructor(rings: Rings | undefined, board: WorkerBoard, post: Post) {
    this.link = new Link(
      (events, moves) => {
        if (events) post({ kind: "flow", events }, moves);
        else if (board.wake()) post(WAKE);
      },
      false,
      rings && {
        input: new FlowRing(rings.input),
        output: new FlowRing(rings.output),
      },
    );
  }

  /** For what will arrive with a job. */
  newArrivals(): Arrivals {
    return new Arrivals();
  }

  /** Puts what has moved into the arguments of a job. */
  revive(args: unknown[], list: MovedList, arrivals: Arrivals): void {
    arrivals.revive(args, list, this.link);
    this.link.beginTurn();
  }
}
