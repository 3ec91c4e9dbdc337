// The other end of a connection, in Python: far faster than what is measured, and able to reset.
import { fileURLToPath } from "node:url";
import { lines } from "./lines.ts";

/** A peer that runs. */
export interface Peer extends AsyncDisposable {
  /** The next line it prints. */
  line(): Promise<string>;
  /** Resolves once it has ended well. */
  end(): Promise<void>;
}

/** Starts a program of peers/; one that takes longer than that is killed. */
export function startPeer(
  name: "send" | "receive" | "flood",
  args: number[],
  seconds = 60,
): Peer {
  const path = fileURLToPath(new URL(`peers/${name}.py`, import.meta.url));
  const process = new Deno.Command("python3", {
    args: [path, ...args.map(String)],
    stdin: "null",
    stdout: "piped",
    signal: AbortSignal.timeout(seconds * 1000),
  }).spawn();
  const output = lines(process.stdout);
  return {
    async line() {
      const { value, done } = await output.next();
      if (done) throw new Error(`${name}.py ended without a word`);
      return value;
    },
    async end() {
      const { success, code } = await process.status;
      if (!success) throw new Error(`${name}.py ended with ${code}`);
    },
    async [Symbol.asyncDispose]() {
      try {
        process.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await process.status;
      await output.return(undefined);
    },
  };
}
