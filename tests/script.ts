// Runs Deno as a process of its own, and waits for its end.
import { fileURLToPath } from "node:url";

/** How a process has ended. */
export interface Ending {
  code: number;
  stdout: string;
  stderr: string;
}

const LIMIT = 120_000;

async function run(args: string[]): Promise<Ending> {
  const process = new Deno.Command(Deno.execPath(), {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
    env: { NO_COLOR: "1" },
  }).spawn();
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

/** `deno run` of a script in `fixtures/`; it is killed if it does not end by itself. */
export function runScript(script: string, ...flags: string[]): Promise<Ending> {
  return runScriptWith([], script, ...flags);
}

/** The same with arguments of the script's own. */
export function runScriptWith(
  args: string[],
  script: string,
  ...flags: string[]
): Promise<Ending> {
  const url = new URL(`./fixtures/${script}`, import.meta.url);
  return run(["run", "--no-check", ...flags, fileURLToPath(url), ...args]);
}

/** `deno check` of a file. */
export function checkTypes(path: string): Promise<Ending> {
  return run(["check", path]);
}
