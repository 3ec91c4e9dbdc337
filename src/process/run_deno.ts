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

/**
 * Arguments that run a function of this package with all permissions; what it gives
 * is printed as JSON. It goes as its source, and uses nothing around it: a module
 * would have to be found, which the program may keep elsewhere (`vendor`).
 */
export function argsFor<Args extends unknown[]>(
  program: (...args: Args) => unknown,
  ...args: Args
): string[] {
  const source = `const given = await (${program})(...${JSON.stringify(args)});
if (given !== undefined) console.log(JSON.stringify(given));`;
  return [
    "run",
    "--allow-all",
    "--no-config",
    "--no-lock",
    "--cached-only",
    `data:text/javascript,${encodeURIComponent(source)}`,
  ];
}
