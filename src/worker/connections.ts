// The connections of this worker's jobs: their bytes come from main and go
// there.

import type {
  ConnectionEvent,
  ConnectionRequest,
  MovedConnection,
} from "../protocol.ts";
import { MovedConn } from "./moved_conn.ts";

/** The worker's ends of moved connections, by their numbers. */
export class Connections {
  readonly #post: (request: ConnectionRequest, moves?: Transferable[]) => void;
  readonly #open = new Map<number, MovedConn>();
  readonly #byJob = new Map<number, number[]>();

  constructor(
    post: (request: ConnectionRequest, moves?: Transferable[]) => void,
  ) {
    this.#post = post;
  }

  /** Puts connections into the arguments of a job, where their placeholders are. */
  revive(
    args: unknown[],
    connections: MovedConnection[],
    jobId: number,
  ): void {
    const revived = new Map<unknown, MovedConn>();
    for (const moved of connections) {
      const conn = new MovedConn(moved, this.#post);
      revived.set(moved.placeholder, conn);
      this.#open.set(moved.id, conn);
    }
    this.#byJob.set(jobId, connections.map(({ id }) => id));
    replace(args, revived, new Set());
  }

  /** Main has something for a connection. */
  receive(event: ConnectionEvent): void {
    this.#open.get(event.id)?.receive(event);
  }

  /** A job has ended, and its connections with it. */
  end(jobId: number): void {
    for (const id of this.#byJob.get(jobId) ?? []) {
      this.#open.get(id)?.end();
      this.#open.delete(id);
    }
    this.#byJob.delete(jobId);
  }
}

function replace(
  value: unknown,
  revived: Map<unknown, MovedConn>,
  seen: Set<object>,
): unknown {
  if (typeof value !== "object" || value === null) return value;
  const conn = revived.get(value);
  if (conn !== undefined || seen.has(value)) return conn ?? value;
  seen.add(value);
  if (value instanceof Map) {
    const entries = [...value];
    value.clear();
    for (const [key, item] of entries) {
      value.set(replace(key, revived, seen), replace(item, revived, seen));
    }
  } else if (value instanceof Set) {
    const items = [...value];
    value.clear();
    for (const item of items) value.add(replace(item, revived, seen));
  } else if (Array.isArray(value) || isPlainObject(value)) {
    for (const [key, item] of Object.entries(value)) {
      const replaced = replace(item, revived, seen);
      if (replaced !== item) (value as Record<string, unknown>)[key] = replaced;
    }
  }
  return value;
}

function isPlainObject(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}
