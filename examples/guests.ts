// Runs scripts that nobody vouches for, each in a process of its own without any
// permission, with limits of time and memory, and prints what came of each.
//
//   deno run --allow-read=. --allow-run=$(which deno) examples/guests.ts [folder]
import {
  JobTimeoutError,
  MemoryLimitError,
  ThreadPool,
  WorkerCrashedError,
} from "@spindle/thread-pool";

const folder = Deno.args[0] ?? "examples/guests";

await using pool = new ThreadPool({
  // The system keeps processes apart, so a script cannot reach this program.
  isolation: "process",
  // No files, network, environment or other programs, for what it imports either.
  permissions: "none",
  memoryLimit: 64, // MiB
  timeout: 1_000, // ms, after which its process is killed
  // None finds what another has left behind.
  maxJobsPerWorker: 1,
  // What it imports is not written into the program's deno.lock.
  execArgv: ["--no-lock"],
});

/**
 * What runs in the process. It is given the script as text: as the pool's `module`
 * it would be loaded, with all that it imports, by this program's permissions.
 */
async function run(source: string): Promise<string> {
  const url = URL.createObjectURL(
    new Blob([source], { type: "text/javascript" }),
  );
  const guest: { default: () => unknown } = await import(url);
  return JSON.stringify(await guest.default()) ?? "nothing";
}

/** What has come of a script. It may throw anything, so that is only text here. */
async function outcomeOf(source: string): Promise<string> {
  try {
    return `gave ${await pool.execute(run, [source])}`;
  } catch (error) {
    if (error instanceof JobTimeoutError) return "took too long";
    if (error instanceof MemoryLimitError) return "took too much memory";
    if (error instanceof WorkerCrashedError) return "ended its process";
    return `failed: ${error}`;
  }
}

const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
const scripts = names.filter((name) => name.endsWith(".js")).sort();
// All at once: the pool has as many processes as there are processors.
const outcomes = scripts.map(async (name) => {
  return outcomeOf(await Deno.readTextFile(`${folder}/${name}`));
});
for (const [i, outcome] of outcomes.entries()) {
  console.log(`${scripts[i]} ${await outcome}`);
}
