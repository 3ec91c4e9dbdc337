// Runs Deno.

/**
 * Runs Deno.
 *
 * @param start Starts the command
 * @throws {Error} That names the flag which the program lacks, if it does
 */
export function runDeno<T>(
  options: Deno.CommandOptions,
  start: (command: Deno.Command) => T,
): T {
  const path = Deno.execPath();
  try {
    return start(new Deno.Command(path, options));
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotCapable)) throw cause;
    throw new Error(
      `isolation "process" needs --allow-run=${path}: ${cause.message}`,
      { cause },
    );
  }
}

/** Arguments that run a module of this package with all permissions, and with no configuration. */
export function argsFor(module: URL, ...args: string[]): string[] {
  return [
    "run",
    "--allow-all",
    "--no-config",
    "--no-lock",
    "--cached-only",
    module.href,
    ...args,
  ];
}
