// Starts other processes of the Deno that runs the program.

/**
 * Runs Deno.
 *
 * @param start Starts the command
 * @throws {Error} If the program lacks the flag to run Deno, which the error names
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
 * Returns arguments that run a function of this package with all permissions and print
 * its result as JSON. The function travels as its source, so it must be self-contained.
 * A module might not be found: the program can keep modules elsewhere (`vendor`).
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
