// A thread that can be killed and is in a sandbox: a worker of
// `node:worker_threads`, which would ignore permissions, inside of a Web Worker
// that has them.

import { nestedEntryWith } from "./entry.ts";
import type { Loan, ShellFailure, ShellInit } from "./nested_protocol.ts";
import type { Thread, ThreadEvents, ThreadSettings } from "./thread.ts";
import { nodeWorkers } from "./node_workers.ts";
import { setRef } from "./unref.ts";
import { listenTo, openRestricted } from "./web_thread.ts";

const SHELL = new URL("../worker/shell.ts", import.meta.url);

/** Never called; it puts the outer thread's code into the module graph. */
export const importShell = (): Promise<unknown> => import("../worker/shell.ts");

/** A thread in a thread. */
export class NestedThread implements Thread {
  readonly holdsToken = true;
  readonly #shell: Worker;
  readonly #port: MessagePort;
  #keepsProcess = true;

  constructor(
    { name, module, memoryLimit, permissions }: ThreadSettings,
    events: ThreadEvents,
  ) {
    const { lent, loans } = lend(permissions!);
    this.#shell = openRestricted(SHELL, name, lent);
    const { port1, port2 } = openChannel();
    this.#port = port1;
    port1.onmessage = (event) => events.message(event.data);
    port1.addEventListener("close", () => {
      events.failed(new Error("The worker has exited, or closed its port"));
    });
    listenTo(this.#shell, {
      message: (failure) => {
        const { message, code } = failure as ShellFailure;
        events.failed(Object.assign(new Error(message), { code }));
      },
      failed: events.failed,
    });
    const entry = nestedEntryWith(module).href;
    const init: ShellInit = { entry, name, memoryLimit, port: port2, loans };
    this.#shell.postMessage(init, [port2]);
  }

  post(message: unknown, moves: Transferable[] = []): void {
    this.#port.postMessage(message, moves);
  }

  keepProcess(keeps: boolean): void {
    if (keeps === this.#keepsProcess) return;
    this.#keepsProcess = keeps;
    setRef(this.#shell, keeps);
  }

  terminate(): void {
    this.#shell.terminate();
    this.keepProcess(false);
    this.#port.close();
  }
}

/** A channel that tells of an end that has closed, which that of the web does not. */
function openChannel(): MessageChannel {
  const { MessageChannel } = nodeWorkers();
  return new MessageChannel() as unknown as MessageChannel;
}

/**
 * The inner thread's code is loaded with the outer one's permissions: a kind of
 * them that is denied altogether is lent until that is done.
 */
function lend(
  permissions: Deno.PermissionOptions,
): { lent: Deno.PermissionOptions; loans: Loan[] } {
  if (permissions === "inherit") return { lent: permissions, loans: [] };
  const lent: Deno.PermissionOptionsObject = permissions === "none"
    ? {}
    : { ...permissions };
  const loans: Loan[] = [];
  for (const kind of ["read", "import"] as const) {
    const given = lent[kind];
    if (given && !(Array.isArray(given) && given.length === 0)) continue;
    lent[kind] = "inherit";
    loans.push(kind);
  }
  return { lent, loans };
}
