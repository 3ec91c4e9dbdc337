// Chooses the kind of thread for a worker, and starts it.

import type { Processes } from "../process/processes.ts";
import { CallerThread } from "../threads/caller_thread.ts";
import { NodeThread } from "../threads/node_thread.ts";
import type {
  Thread,
  ThreadEvents,
  ThreadSettings,
} from "../threads/thread.ts";
import { WebThread } from "../threads/web_thread.ts";
import { lifeSlot } from "../values/thread_state.ts";

/** Stands for a thread that could not be started. */
const NONE: Thread = {
  holdsToken: false,
  post() {},
  keepProcess() {},
  terminate() {},
};

/** Starts a thread of the kind that the settings require. */
export function openThread(
  settings: ThreadSettings,
  events: ThreadEvents,
  processes: Processes | undefined,
): Thread {
  try {
    return open(settings, events, processes);
  } catch (cause) {
    // For example, the program does not have these permissions itself.
    events.failed(cause);
    return NONE;
  }
}

function open(
  settings: ThreadSettings,
  events: ThreadEvents,
  processes: Processes | undefined,
): Thread {
  const { callerClock, hardKill, module } = settings;
  // Each worker would start another worker before it is ready.
  if (module !== undefined && module === lifeSlot.life?.loading) {
    throw new Error(
      "this module uses a pool of itself while it loads: put that under `if (import.meta.main)`",
    );
  }
  if (callerClock) return new CallerThread(callerClock, events);
  if (processes) return processes.open(settings.name, events);
  return hardKill
    ? new NodeThread(settings, events)
    : new WebThread(settings, events);
}
