// Runs one measurement in a process of its own, and stops it when its time is up.
import { fileURLToPath } from "node:url";
import { COMMANDS } from "./contestants.ts";
import type { Contestant, Measurement } from "./types.d.ts";

const MODULE = fileURLToPath(new URL("measure.js", import.meta.url));

/** What a measurement is limited to. */
export interface Limits {
  /** Seconds after which it is stopped. */
  seconds: number;
  /** The part of the full counts to run, up to 1. */
  share: number;
}

/** Measures one workload on one pool. */
export async function measure(
  workload: string,
  { pool, runtime }: Contestant,
  { seconds, share }: Limits,
): Promise<Measurement> {
  const [program, ...args] = COMMANDS[runtime];
  const child = new Deno.Command(program, {
    args: [...args, MODULE, workload, pool, String(share)],
    env: { NO_COLOR: "1" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();

  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, seconds * 1000);
  const { success, stdout, stderr } = await child.output();
  clearTimeout(timer);

  const figures = read(new TextDecoder().decode(stdout));
  if (late) {
    const some = Object.keys(figures).length > 0;
    return {
      figures,
      failure: some ? `> ${seconds} s` : `hangs (> ${seconds} s)`,
    };
  }
  if (!success) {
    return { figures, failure: reason(new TextDecoder().decode(stderr)) };
  }
  return { figures };
}

/** The figures among the lines that a process printed. */
function read(output: string): Record<string, number> {
  const lines = output.split("\n").filter((line) =>
    line.startsWith(`{"metric"`)
  );
  return Object.fromEntries(lines.map((line) => {
    const { metric, value } = JSON.parse(line);
    return [metric, value];
  }));
}

/** The line of an error output that says what went wrong. */
function reason(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const line = lines.find((line) => /error/i.test(line)) ?? lines[0] ??
    "no message";
  return `fails: ${line.trim()}`;
}
