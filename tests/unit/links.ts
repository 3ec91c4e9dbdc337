// Two links that are joined in one thread, as main and a worker are by messages.

import type { FlowEvents } from "../../src/flow/events.ts";
import { Link } from "../../src/flow/link.ts";
import { FlowRing } from "../../src/flow/ring.ts";

/** Both ends, and what has passed between them. */
export interface Joined {
  main: Link;
  worker: Link;
  /** What was posted, oldest first: to whom, and which events, if not a mere wake-up. */
  posted: { to: "main" | "worker"; events?: FlowEvents }[];
}

/**
 * Joins two links.
 *
 * @param isShared Whether they share rings
 */
export function joinLinks(isShared = true): Joined {
  const posted: Joined["posted"] = [];
  const post = (to: "main" | "worker") => {
    return (events?: FlowEvents, transfer: Transferable[] = []) => {
      const message = structuredClone(events, { transfer });
      posted.push({ to, events: message });
      onTheirWay++;
      setTimeout(() => {
        onTheirWay--;
        if (message) joined[to].receive(message);
        else joined[to].read();
      });
    };
  };
  const [down, up] = [new FlowRing(), new FlowRing()];
  const twin = ({ buffer }: FlowRing) => new FlowRing(buffer);
  const joined: Joined = {
    main: new Link(
      post("worker"),
      true,
      isShared ? { output: down, input: twin(up) } : undefined,
    ),
    worker: new Link(
      post("main"),
      false,
      isShared ? { output: up, input: twin(down) } : undefined,
    ),
    posted,
  };
  return joined;
}

let onTheirWay = 0;

/** Resolves when both have heard what was told so far. */
export async function settled(): Promise<void> {
  do {
    // The end of a turn, a message, and what that leads to.
    for (let i = 0; i < 3; i++) await new Promise((done) => setTimeout(done));
  } while (onTheirWay > 0);
}
