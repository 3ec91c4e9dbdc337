// The outer one of two nested threads: holds the inner one, whose permissions are
// its own, and gives up those that were only lent for loading.

import { openNodeWorker } from "../threads/node_thread.ts";
import type { ShellFailure, ShellInit } from "../threads/nested_protocol.ts";

/** What this scope has beside what every scope has. */
interface ShellScope {
  onmessage: ((event: MessageEvent<ShellInit>) => void) | null;
  postMessage(message: ShellFailure): void;
}

const scope = globalThis as unknown as ShellScope;

scope.onmessage = ({ data }) => {
  scope.onmessage = null;
  const { entry, name, memoryLimit, port, loans } = data;
  const inner = openNodeWorker(new URL(entry), name, memoryLimit, port);
  inner.once("message", () => {
    for (const name of loans) {
      if (Deno.permissions.revokeSync({ name }).state !== "granted") continue;
      return fail({ message: `Permission "${name}" cannot be given up` });
    }
    inner.postMessage("loaded");
  });
  inner.on("error", fail);
  inner.on("exit", () => fail({ message: "The worker exited" }));
};

function fail({ message, code }: { message: string; code?: unknown }): void {
  scope.postMessage({ message: String(message), code });
}
