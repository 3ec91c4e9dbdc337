// What moves to and from this worker instead of being cloned.

import { WAKE } from "../wire/board.ts";
import { Link } from "../flow/link.ts";
import { FlowRing, NO_RING } from "../flow/ring.ts";
import { type Accept, Arrivals } from "../moving/arrivals.ts";
import { ChannelSocket } from "../moving/channel_socket.ts";
import { DescriptorSocket } from "../moving/descriptor_socket.ts";
import type { MovedList } from "../moving/moved.ts";
import type { ReceivedJob } from "./jobs.ts";
import type { OwnThread } from "./own_thread.ts";

/** This worker's side of all that is joined to main. */
export class Moving {
  readonly link: Link;

  constructor({ init: { rings }, board, post }: OwnThread) {
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

  /** Puts what has moved into the arguments of a job. */
  revive(job: ReceivedJob, moved: MovedList): void {
    job.arrivals = new Arrivals();
    try {
      job.arrivals.revive(job.args, moved, this.link, accept);
      this.link.beginTurn();
    } catch (error) {
      // A request whose method is forbidden here, say: the job fails.
      const call = () => {
        throw error;
      };
      job.handler = { ...job.handler, call };
    }
  }
}

const accept: Accept = (link, moved) =>
  moved.kind === "connection"
    ? new ChannelSocket(link, moved)
    : new DescriptorSocket(link, moved);
