// The servers that are measured beside each other, and how one starts.
import { Child } from "./child.ts";
import type { Ready, ServerSetting } from "./setting.ts";

/** One of them. */
export interface Contestant {
  name: string;
  title: string;
  /** Its module in contestants/. */
  module: string;
  /** How its connections move, where it is not the pool's default. */
  connections?: "descriptor";
}

/** All of them. */
export const CONTESTANTS: Contestant[] = [
  { name: "pool", title: "pool", module: "pool.ts" },
  {
    name: "descriptor",
    title: "pool, descriptor",
    module: "pool.ts",
    connections: "descriptor",
  },
  { name: "plain", title: "plain accept loop", module: "plain.ts" },
  { name: "streams", title: "transferred streams", module: "streams.ts" },
  {
    name: "themselves",
    title: "workers accept themselves",
    module: "themselves.ts",
  },
  { name: "serve", title: "Deno.serve", module: "deno_serve.ts" },
  {
    name: "serve-pool",
    title: "Deno.serve + pool",
    module: "deno_serve_pool.ts",
  },
  { name: "floor", title: "no pool: bytes alone", module: "floor.ts" },
  {
    name: "descriptor-floor",
    title: "no pool: descriptors alone",
    module: "floor_descriptor.ts",
  },
  {
    name: "serve-floor",
    title: "Deno.serve, no pool: texts alone",
    module: "floor_serve.ts",
  },
];

/** A server that runs. */
export type Server = Child<{ port: number }>;

/** Starts one in a process of its own; throws where this version cannot do what it needs. */
export async function startServer(
  { module, connections }: Contestant,
  setting: Partial<ServerSetting>,
): Promise<Server> {
  const full: ServerSetting = {
    work: { steps: 0, ms: 0, mib: 0 },
    concurrency: 1,
    connections,
    ...setting,
  };
  const child = await Child.start<Ready>(`contestants/${module}`, full);
  if ("port" in child.ready) return child as Server;
  await child[Symbol.asyncDispose]();
  throw new Error(`skipped: ${child.ready.refused}`);
}
