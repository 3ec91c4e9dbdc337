// A local stand-in for the parts of `jsr:@std/net` that the tests use.

/** Options for {@linkcode getAvailablePort}. */
export interface GetAvailablePortOptions {
  /** Port to try first; with 0, the default, the system chooses. */
  preferredPort?: number;
}

/** Returns a port that is not in use. */
export function getAvailablePort(
  options: GetAvailablePortOptions = {},
): number {
  const port = options.preferredPort ?? 0;
  try {
    using listener = Deno.listen({ port });
    return listener.addr.port;
  } catch (error) {
    if (port === 0 || !(error instanceof Deno.errors.AddrInUse)) throw error;
    return getAvailablePort();
  }
}
