// Runs Deno as a separate process, and waits for its end.
import { fileURLToPath } from "node:url";

/** How a process has ended. */
export interface Ending {
  code: number;
  stdout: string;
  stderr: string;
}

const LIMIT = 120_000;

function start(args: string[]): Deno.ChildProcess {
  // A group of its own, in which all processes that it starts can be found.
  const isGroup = Deno.build.os === "linux";
  return new Deno.Command(isGroup ? "setsid" : Deno.execPath(), {
    args: isGroup ? [Deno.execPath(), ...args] : args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
}

/** Waits for a process, which is killed if it does not end by itself. */
export async function endOf(process: Deno.ChildProcess): Promise<Ending> {
  const tooLong = setTimeout(() => process.kill("SIGKILL"), LIMIT);
  const { code, stdout, stderr } = await process.output();
  clearTimeout(tooLong);
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

function argsOf(args: string[], script: string, flags: string[]): string[] {
  const url = new URL(`./fixtures/${script}`, import.meta.url);
  return ["run", "--no-check", ...flags, fileURLToPath(url), ...args];
}

/** Runs a script in `fixtures/` with `deno run`. */
export function runScript(script: string, ...flags: string[]): Promise<Ending> {
  return runScriptWith([], script, ...flags);
}

/** Runs a script with arguments. */
export function runScriptWith(
  args: string[],
  script: string,
  ...flags: string[]
): Promise<Ending> {
  return endOf(startScript(args, script, ...flags));
}

/** Starts a script, and does not wait for its end. */
export function startScript(
  args: string[],
  script: string,
  ...flags: string[]
): Deno.ChildProcess {
  return start(argsOf(args, script, flags));
}

/** Checks the types of a file with `deno check`. */
export function checkTypes(path: string): Promise<Ending> {
  return endOf(start(["check", path]));
}
