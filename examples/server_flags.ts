// The web server's command line.
import { parseArgs } from "node:util";

/** What the flags say. */
export interface ServerFlags {
  port: number;
  size: number;
  concurrency: number;
  delay: number;
  idle: number;
  help: boolean;
}

export const HELP = `A web server whose connections are jobs of a thread pool

Usage: deno run -A examples/server.ts [flags]

  --port N         port on 127.0.0.1, 0 for any that is free (default 7878)
  --size N         workers of the pool (default 4)
  --concurrency N  connections that one worker serves at once (default 64)
  --delay MS       how long GET /sleep holds its worker (default 10000)
  --idle MS        how long a client may keep its worker waiting (default 5000)
  -h, --help       print this and exit`;

/** Reads the flags; a wrong one is refused with an error that names it. */
export function parseFlags(args: string[]): ServerFlags {
  const { values } = parseArgs({
    args,
    options: {
      port: { type: "string", default: "7878" },
      size: { type: "string", default: "4" },
      concurrency: { type: "string", default: "64" },
      delay: { type: "string", default: "10000" },
      idle: { type: "string", default: "5000" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return {
    port: wholeNumber("port", values.port, 0, 65_535),
    size: wholeNumber("size", values.size, 1, 1_024),
    concurrency: wholeNumber("concurrency", values.concurrency, 1, 65_536),
    delay: wholeNumber("delay", values.delay, 0, 86_400_000),
    idle: wholeNumber("idle", values.idle, 1, 86_400_000),
    help: values.help,
  };
}

function wholeNumber(
  flag: string,
  value: string,
  min: number,
  max: number,
): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < min || number > max) {
    throw new RangeError(
      `Expected --${flag} to be a whole number from ${min} to ${max}, got "${value}"`,
    );
  }
  return number;
}
