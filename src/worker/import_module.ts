// Imports the pool's module, and tells one that can run jobs from one that ends
// its thread while it is imported.

import type { Module } from "./handlers.ts";
import { nextTurn } from "./next_turn.ts";

/**
 * The module's exports. Never resolves if the module ends its thread: such a
 * thread goes on for a while, and would take jobs.
 */
export async function importModule(url: string): Promise<Module> {
  const scope = globalThis as { close?: () => void };
  const { close } = scope;
  const { exit } = Deno;
  const ending = Promise.withResolvers<never>();
  let isEnding = false;
  scope.close = () => {
    isEnding = true;
    close?.call(scope);
  };
  Deno.exit = (code) => {
    isEnding = true;
    return exit(code);
  };
  try {
    const module = await import(url);
    // A rejection that it leaves is reported before the next turn.
    await nextTurn();
    return isEnding ? ending.promise : module;
  } finally {
    scope.close = close;
    Deno.exit = exit;
  }
}
