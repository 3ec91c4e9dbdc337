// The ways in which a stream's bytes reach their handler.

/** One way. */
export interface Way {
  name: string;
  title: string;
  /** Where the handler runs, or how the connection comes to it. */
  via: "main" | "pool" | "descriptor" | "transfer";
  /** Whether it uses the connection's streams, or else read and write. */
  streams: boolean;
}

/** From the client to the handler, or back. */
export type Direction = "in" | "out";

/** All of them. */
export const WAYS: Way[] = [
  { name: "direct", title: "in main, read/write", via: "main", streams: false },
  {
    name: "direct-streams",
    title: "in main, readable/writable",
    via: "main",
    streams: true,
  },
  { name: "pool", title: "pool, read/write", via: "pool", streams: false },
  {
    name: "pool-streams",
    title: "pool, readable/writable",
    via: "pool",
    streams: true,
  },
  {
    name: "descriptor",
    title: "pool, descriptor, read/write",
    via: "descriptor",
    streams: false,
  },
  {
    name: "descriptor-streams",
    title: "pool, descriptor, readable/writable",
    via: "descriptor",
    streams: true,
  },
  {
    name: "transferred",
    title: "transferred streams",
    via: "transfer",
    streams: true,
  },
];

/** The function of flow.ts that handles a connection. */
export function flowName({ streams }: Way, direction: Direction) {
  if (direction === "in") return streams ? "drainStream" : "drain";
  return streams ? "pourStream" : "pour";
}
