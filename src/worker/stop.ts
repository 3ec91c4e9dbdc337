// Does what a worker was asked to do before it ends; loaded only then.

import { packError } from "../values/pack_error.ts";
import { lifeSlot } from "../values/thread_state.ts";
import type { OwnThread } from "./own_thread.ts";

/** Calls what `onStop()` was given, the last first, and tells main when all is done. */
export async function stop({ post, load, life }: OwnThread): Promise<void> {
  const { callbacks = [] } = life ?? lifeSlot.life ?? {};
  await load?.();
  // One may give others.
  while (callbacks.length > 0) {
    const callback = callbacks[callbacks.length - 1];
    callbacks.length--;
    try {
      await callback();
    } catch (error) {
      post({ kind: "stop-failed", error: packError(error) });
    }
  }
  post({ kind: "stopped" });
}
