// The kinds of connections, for test suites that run with each of them.
import type { ThreadPoolOptions } from "@spindle/thread-pool";
import type * as jobs from "./fixtures/connections.ts";
import { type Cases, isWindows, type Setting, suite } from "./moving_pools.ts";
import { type Pair, tcpPair, unixPair } from "./sockets.ts";
import { tlsPair } from "./tls.ts";
import { executeUntyped } from "./untyped.ts";

/** What a test case for connections receives. */
export interface Connections extends Setting<typeof jobs> {
  /** Returns both ends of a connection; the client closes when the case ends. */
  pair(): Promise<Pair>;
  /** Runs a job of the shared pool with one end of a connection; gives the other end. */
  serve<Job extends keyof typeof jobs>(
    job: Job,
    ...args: Tail<Parameters<typeof jobs[Job]>>
  ): Promise<{ client: Deno.Conn; result: ReturnType<typeof jobs[Job]> }>;
}

type Tail<Args> = Args extends [unknown, ...infer More] ? More : [];

interface Kind {
  options: ThreadPoolOptions;
  pair: () => Promise<Pair>;
  ignore?: boolean;
  lingers?: boolean;
}

/** TCP connections, by how they move. */
export const TCP: Record<string, Kind> = {
  "TCP by bytes": { options: { connections: "bytes" }, pair: tcpPair },
  "TCP by descriptor": {
    options: { connections: "descriptor" },
    pair: tcpPair,
  },
};

export const ALL: Record<string, Kind> = {
  ...TCP,
  "unix sockets": {
    options: { connections: "descriptor" },
    pair: unixPair,
    ignore: isWindows,
  },
  "TLS": {
    options: { connections: "bytes" },
    pair: tlsPair,
    lingers: true,
  },
};

/** Connections that move by bytes, by choice or because only bytes can move. */
export const BYTES: Record<string, Kind> = {
  "unix sockets by bytes": {
    ...ALL["unix sockets"],
    options: { connections: "bytes" },
  },
  "TLS where descriptors move": {
    ...ALL["TLS"],
    options: { connections: "descriptor" },
  },
};

/** TLS in pools with either value of `connections`. */
export const TLS: Record<string, Kind> = {
  "TLS": ALL["TLS"],
  "TLS where descriptors move": BYTES["TLS where descriptors move"],
};

/** Declares a suite for each kind of connection. */
export function connectionSuites(
  name: string,
  kinds: Record<string, Kind>,
  cases: Cases<Connections>,
): void {
  const module = new URL("./fixtures/connections.ts", import.meta.url);
  for (const [kind, { options, pair, ...more }] of Object.entries(kinds)) {
    suite<typeof jobs, Pick<Connections, "pair" | "serve">>({
      name: `${name} (${kind})`,
      // An aborted job has all the time that it needs.
      options: { module, abortGrace: 10_000, ...options },
      ...more,
      cases,
      extend: ({ use, pool }) => {
        const usedPair = async () => {
          const made = await pair();
          use(made.client);
          return made;
        };
        return {
          pair: usedPair,
          serve: async (job, ...args) => {
            const { client, server } = await usedPair();
            const result = executeUntyped(pool, job, [server, ...args]);
            return { client, result: result as never };
          },
        };
      },
    });
  }
}
