// Moves values to and from this worker instead of cloning them.

import { nextTick } from "node:process";
import { WAKE } from "../wire/protocol.ts";
import { keepNextTick } from "../flow/end_of_turn.ts";
import { Link } from "../flow/link.ts";
import { FlowRing } from "../flow/ring.ts";
import { generate } from "./generate.ts";
import { Arrivals } from "../moving/arrivals.ts";
import type { MovedOfJob } from "../moving/kind.ts";
import { reviveText } from "../moving/as_text.ts";
import type { ReceivedJob } from "./jobs.ts";
import type { OwnThread } from "./own_thread.ts";

// The function that Node's module exports, even if a job changes `process`.
keepNextTick(nextTick);

/** This worker's side of everything that is connected to main. */
export class Moving {
  readonly link: Link;
  readonly #thread: OwnThread;

  constructor(thread: OwnThread) {
    this.#thread = thread;
    const { init: { rings }, board, post } = thread;
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
      thread.clock,
    );
  }

  /** Puts the values that moved into the arguments of a job. */
  revive(job: ReceivedJob, moved: MovedOfJob): void {
    try {
      if (typeof moved === "number") {
        job.arrivals = reviveText(job.args, moved, this.link);
      } else {
        const arrivals = new Arrivals();
        job.arrivals = arrivals;
        arrivals.revive(job.args, moved, this.link);
        const { yields } = arrivals;
        if (yields) job.handler = generate(job.handler, yields, this.#thread);
      }
      this.link.beginTurn();
    } catch (error) {
      // For example, a request whose method is forbidden here: the job fails.
      const call = () => {
        throw error;
      };
      job.handler = { ...job.handler, call };
    }
  }
}
