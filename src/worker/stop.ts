// Runs the `onStop()` callbacks before a worker ends; loaded only then.

import { packError } from "../values/pack_error.ts";
import { nodeProcess } from "../values/node_process.ts";
import { lifeSlot, type WorkerLife } from "../values/thread_state.ts";
import type { OwnThread } from "./own_thread.ts";

/** Calls the `onStop()` callbacks, the last first, and reports to main when all have ended. */
export async function stop({ post, load, life }: OwnThread): Promise<void> {
  const { callbacks = [] } = life ?? lifeSlot.life ?? {};
  await load?.();
  // A callback can register more callbacks.
  while (callbacks.length > 0) {
    const callback = callbacks[callbacks.length - 1];
    callbacks.length--;
    try {
      await (life === undefined ? callback() : callAsPartOf(life, callback));
    } catch (error) {
      post({ kind: "stop-failed", error: packError(error) });
    }
  }
  post({ kind: "stopped" });
}

/** Calls a callback as a part of a worker, in a thread with several workers. */
function callAsPartOf(life: WorkerLife, callback: () => unknown): unknown {
  if (lifeSlot.stopping === undefined) {
    const hooks = nodeProcess().getBuiltinModule("node:async_hooks");
    lifeSlot.stopping = new hooks.AsyncLocalStorage<WorkerLife>();
  }
  return lifeSlot.stopping.run(life, callback);
}
