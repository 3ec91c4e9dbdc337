// Loads a server with HTTP requests for a while: by wrk where it is installed, else by autocannon
// (which sends in vain to connections that close: fewer answers, and a p99 of its own making).
import { fileURLToPath } from "node:url";

/** What a server is asked for. */
export interface Load {
  clients: number;
  keepAlive: boolean;
  seconds: number;
}

/** What came of it. */
export interface LoadFigures {
  /** Answers a second. */
  rate: number;
  /** Milliseconds that 99 of 100 answers took no longer than. */
  p99: number;
  /** Answers that were not 2xx, and clients that failed or waited too long. */
  errors: number;
}

/** The program that loads. */
export type Generator = "wrk" | "autocannon";

const CLOSE = ["-H", "Connection: close"];

/** Which of the two there is. */
export async function generator(): Promise<Generator> {
  try {
    await new Deno.Command("wrk", { args: ["-v"] }).output();
    return "wrk";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "autocannon";
    throw error;
  }
}

/** Loads a port of this machine. */
export async function load(
  by: Generator,
  port: number,
  { clients, keepAlive, seconds }: Load,
): Promise<LoadFigures> {
  const url = `http://127.0.0.1:${port}/`;
  const time = ["-c", String(clients), "-d", String(seconds)];
  const close = keepAlive ? [] : CLOSE;
  if (by === "wrk") {
    return readWrk(
      await run("wrk", ["-t1", "--latency", ...time, ...close, url], seconds),
    );
  }
  const path = fileURLToPath(import.meta.resolve("autocannon"));
  return readAutocannon(
    await run(Deno.execPath(), [
      ...["run", "-A", "--quiet", path, "--json"],
      ...[...time, ...close, url],
    ], seconds),
  );
}

async function run(
  program: string,
  args: string[],
  seconds: number,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    stdin: "null",
    signal: AbortSignal.timeout((seconds + 15) * 1000),
  }).output();
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new Error(`${program}: ${decoder.decode(stderr).trim() || "failed"}`);
}

const UNITS: Record<string, number> = { us: 1e-3, ms: 1, s: 1e3, m: 6e4 };

function readWrk(text: string): LoadFigures {
  const [, rate] = /Requests\/sec:\s+([\d.]+)/.exec(text) ?? [];
  const [, p99, unit] = /99%\s+([\d.]+)(\w+)/.exec(text) ?? [];
  if (rate === undefined) throw new Error(`wrk: ${text}`);
  const [, bad = 0] = /Non-2xx or 3xx responses: (\d+)/.exec(text) ?? [];
  const [, ...socket] =
    /connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text) ?? [];
  return {
    rate: Number(rate),
    p99: Number(p99 ?? NaN) * (UNITS[unit] ?? NaN),
    errors: [bad, ...socket].reduce<number>((sum, n) => sum + Number(n), 0),
  };
}

function readAutocannon(text: string): LoadFigures {
  const { requests, latency, errors, timeouts, non2xx } = JSON.parse(text);
  return {
    rate: requests.average,
    p99: latency.p99,
    errors: errors + timeouts + non2xx,
  };
}
