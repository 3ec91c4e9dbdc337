// Which pools are measured, on which runtimes, and how their processes start.
import type { Contestant } from "./types.d.ts";

/** The package as the tables call it. */
export const OWN = "spindle";

/** No pool, only messages. */
export const RAW = "raw";

/** No pool either: the way of this pool's jobs alone. */
export const FLOOR = "floor";

const POOLS = {
  Deno: [OWN, FLOOR, RAW, "piscina", "poolifier", "workerpool"],
  Node: [RAW, "piscina", "poolifier", "tinypool", "workerpool"],
};

/** The program and arguments that run a module of this folder. */
export const COMMANDS = {
  Deno: [Deno.execPath(), "run", "-A", "--quiet", "--v8-flags=--expose-gc"],
  Node: ["node", "--no-warnings", "--expose-gc"],
};

/** Whether a row is there to compare this pool with itself, and not with rivals. */
export function isBase(pool: string): boolean {
  return pool === RAW || pool === FLOOR;
}

/** Every pool that can run on this machine, or those with the given names. */
export async function contestants(names: string[] = []): Promise<Contestant[]> {
  const known = new Set(Object.values(POOLS).flat());
  for (const name of names) {
    if (!known.has(name)) {
      throw new RangeError(
        `pool: expected one of ${[...known].join(", ")}, got ${name}`,
      );
    }
  }
  const runtimes = await nodeVersion()
    ? ["Deno", "Node"] as const
    : ["Deno"] as const;
  return runtimes.flatMap((runtime) =>
    POOLS[runtime]
      .filter((pool) => names.length === 0 || names.includes(pool))
      .map((pool) => ({ pool, runtime }))
  );
}

/** The version of the `node` on the path, if there is one. */
export async function nodeVersion(): Promise<string | undefined> {
  try {
    const { stdout } = await new Deno.Command("node", { args: ["--version"] })
      .output();
    return new TextDecoder().decode(stdout).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
