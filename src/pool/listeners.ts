// Tells the events of a pool, and only what somebody listens to.

import { callOutside } from "../values/async_context.ts";
import type { PoolEvents, ThreadPoolEventMap } from "../job/pool_events.ts";

/** Tells a pool's listeners; an event that nobody ever listened to costs nothing. */
export class Listeners implements PoolEvents {
  readonly #pool: EventTarget;
  readonly #wanted = new Set<string>();

  constructor(pool: EventTarget) {
    this.#pool = pool;
  }

  /** Somebody listens to such events. */
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
    // A listener may call the pool, which is in the middle of something.
    if (this.hasListener(type)) {
      queueMicrotask(() => this.emitNow(type, detail));
    }
  }

  /** Tells at once, where nothing else goes on. */
  emitNow<Type extends keyof ThreadPoolEventMap>(
    type: Type,
    detail: ThreadPoolEventMap[Type]["detail"],
  ): void {
    if (!this.hasListener(type)) return;
    // Which caller's turn this is, is chance.
    callOutside(() => {
      this.#pool.dispatchEvent(new CustomEvent(type, { detail }));
    });
  }
}
