// What moves between main and a worker cannot do without: records in shared memory, and a
// wake-up for as many of them as a turn has.
import { atEndOfTurn } from "../../../src/flow/end_of_turn.ts";
import type { Work } from "../http.ts";
import { FloorRing, type Hear, type Kind } from "./floor_ring.ts";
import { startWorker } from "./start_worker.ts";
import { post, receive } from "./worker_scope.ts";

interface Start {
  down: SharedArrayBuffer;
  up: SharedArrayBuffer;
  work: Work;
}

/** Main: starts a worker with a link to it. */
export async function openLink(
  module: string,
  work: Work,
  hear: Hear,
): Promise<FloorLink> {
  const [down, up] = [new FloorRing(), new FloorRing()];
  const start: Start = { down: down.buffer, up: up.buffer, work };
  const { worker } = await startWorker(module, start);
  const link = new FloorLink(down, up, () => worker.postMessage(null), hear);
  worker.onmessage = () => link.woken();
  return link;
}

/** The worker: joins the link that it was started with. */
export function joinLink(open: (link: FloorLink, work: Work) => Hear): void {
  let link: FloorLink | undefined;
  receive((start: Start | null) => {
    if (start === null) return link?.woken();
    const [down, up] = [start.down, start.up].map((at) => new FloorRing(at));
    const hear: Hear = (...record) => heard(...record);
    link = new FloorLink(up, down, () => post(null), hear);
    const heard = open(link, start.work);
    post("ready");
  });
}

/** One end of a link. */
export class FloorLink {
  readonly #output: FloorRing;
  readonly #input: FloorRing;
  readonly #wakeOther: () => void;
  readonly #hear: Hear;
  #isFlushing = false;

  constructor(
    output: FloorRing,
    input: FloorRing,
    wakeOther: () => void,
    hear: Hear,
  ) {
    this.#output = output;
    this.#input = input;
    this.#wakeOther = wakeOther;
    this.#hear = hear;
  }

  /** Tells the other thread something. */
  tell(id: number, kind: Kind, bytes?: Uint8Array): void {
    this.#output.write(id, kind, bytes);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    atEndOfTurn(() => {
      this.#isFlushing = false;
      if (this.#output.wakes()) this.#wakeOther();
    });
  }

  /** This thread has been woken: hears all records. */
  woken(): void {
    do this.#input.read(this.#hear); while (!this.#input.sleeps());
  }
}
