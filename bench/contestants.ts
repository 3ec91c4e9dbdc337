// Which pools are measured, on which runtimes, and how their processes start.
import type { Contestant } from "./types.d.ts";

/** The package as the tables call it. */
export const OWN = "spindle";

/** No pool, only messages: not a rival but a floor. */
export const RAW = "raw";

const POOLS = {
  Deno: [OWN, RAW, "piscina", "poolifier", "workerpool"],
  Node: [RAW, "piscina", "poolifier", "tinypool", "workerpool"],
};

/** The program and arguments that run a module of this folder. */
export const COMMANDS = {
  Deno: [Deno.execPath(), "run", "-A", "--quiet", "--v8-flags=--expose-gc"],
  Node: ["node", "--no-warnings", "--expose-gc"],
};

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
