// What moves to and from this worker, other than as a clone.

import { WAKE, type WorkerBoard } from "../wire/board.ts";
import { Link } from "../flow/link.ts";
import { FlowRing, NO_RING } from "../flow/ring.ts";
import { Arrivals } from "../moving/arrivals.ts";
import type {
  Arrival,
  MovedConnection,
  MovedDescriptor,
  MovedList,
} from "../moving/moved.ts";
import type { Rings } from "../wire/protocol.ts";
import { ChannelSocket } from "../moving/channel_socket.ts";
import { DescriptorSocket } from "../moving/descriptor_socket.ts";
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
      {
        input: rings ? new FlowRing(rings.input) : NO_RING,
        output: rings ? new FlowRing(rings.output) : NO_RING,
      },
    );
  }

  /** For what will arrive with a job. */
  newArrivals(): Arrivals {
    return new Arrivals();
  }

  /** Puts what has moved into the arguments of a job. */
  revive(args: unknown[], list: MovedList, arrivals: Arrivals): void {
    arrivals.revive(args, list, this.link, accept);
    this.link.beginTurn();
  }
}

function accept(link: Link, moved: MovedConnection | MovedDescriptor): Arrival {
  return moved.kind === "connection"
    ? new ChannelSocket(link, moved)
    : new DescriptorSocket(link, moved);
}
