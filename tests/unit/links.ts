// Joins two links in one thread, like those of main and a worker.

import type { FlowEvents } from "../../src/flow/events.ts";
import { Link } from "../../src/flow/link.ts";
import { FlowRing } from "../../src/flow/ring.ts";

/** Both links, and the messages between them. */
export interface Joined {
  main: Link;
  worker: Link;
  /** Posted messages, oldest first. A message without events is a wake-up. */
  posted: { to: "main" | "worker"; events?: FlowEvents }[];
}

/**
 * Joins two links.
 *
 * @param isShared Whether the links share rings
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

/** Resolves when both links have received all events so far. */
export async function settled(): Promise<void> {
  do {
    // The end of a turn, a message, and its consequences.
    for (let i = 0; i < 3; i++) await new Promise((done) => setTimeout(done));
  } while (onTheirWay > 0);
}
