// Dispatches the events of a pool, if they have a listener.

import { callOutside } from "../values/async_context.ts";
import type { PoolEvents, ThreadPoolEventMap } from "../job/pool_events.ts";

/** Dispatches events; an event that never had a listener costs nothing. */
export class Listeners implements PoolEvents {
  readonly #pool: EventTarget;
  readonly #wanted = new Set<string>();

  constructor(pool: EventTarget) {
    this.#pool = pool;
  }

  /** Notes that this event has a listener. */
  add(type: keyof ThreadPoolEventMap): void {
    this.#wanted.add(type);
  }

  hasListener(type: keyof ThreadPoolEventMap): boolean {
    return this.#wanted.has(type);
  }

  emit<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    detail: ThreadPoolEventMap[Type]["detail"],
  ): void {
    // A listener can call the pool, which may be in the middle of an operation.
    if (this.hasListener(type)) {
      queueMicrotask(() => this.emitNow(type, detail));
    }
  }

  /** Dispatches at once, for callers that are not in the middle of an operation. */
  emitNow<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    detail: ThreadPoolEventMap[Type]["detail"],
  ): void {
    if (!this.hasListener(type)) return;
    // The current async context belongs to an arbitrary caller.
    callOutside(() => {
      this.#pool.dispatchEvent(new CustomEvent(type, { detail }));
    });
  }
}
