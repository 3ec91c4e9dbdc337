// Runs untrusted scripts, each in a separate process without permissions and with
// limits for time and memory, and prints the outcome of each script.
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
  // The operating system isolates processes, so a script cannot reach this program.
  isolation: "process",
  // No files, network, environment or other programs, for its imports either.
  permissions: "none",
  memoryLimit: 64, // MiB
  timeout: 1_000, // ms, after which the process is killed
  // Each script gets a new process, and finds nothing that another has left behind.
  maxJobsPerWorker: 1,
  // Imports of the scripts are not written into the program's deno.lock.
  execArgv: ["--no-lock"],
});

/**
 * Runs in the process, and gets the script as text. As the pool's `module`, the
 * script and its imports would load with this program's permissions.
 */
async function run(source: string): Promise<string> {
  const url = URL.createObjectURL(
    new Blob([source], { type: "text/javascript" }),
  );
  const guest: { default: () => unknown } = await import(url);
  return JSON.stringify(await guest.default()) ?? "nothing";
}

/** Returns the outcome of a script. It can throw anything, so errors become text. */
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
// Submits all scripts at once. The pool has one process per core.
const outcomes = scripts.map(async (name) => {
  return outcomeOf(await Deno.readTextFile(`${folder}/${name}`));
});
for (const [i, outcome] of outcomes.entries()) {
  console.log(`${scripts[i]} ${await outcome}`);
}
