// Starts the processes of a pool with common settings, and owns their warden.

import { entryWith } from "../threads/entry.ts";
import { splitHeap } from "../threads/heap.ts";
import type { Thread, ThreadEvents } from "../threads/thread.ts";
import { mainModule } from "../values/thread_state.ts";
import type { DenoCommand } from "./deno_process.ts";
import {
  deniedKinds,
  environmentFor,
  type Grants,
  grantsFor,
  mayReadHere,
  mayUseFiles,
  permissionFlags,
} from "./permissions.ts";
import { type Surroundings, surroundings } from "./surroundings.ts";
import { ATOMIC, LONGEST_CHUNK } from "./chunks.ts";
import { type ProcessSettings, ProcessThread } from "./process_thread.ts";
import { Warden } from "./warden.ts";

/** URL of the entry module of a process. */
const CHILD = new URL("./child.ts", import.meta.url);

/** Never called. The import puts the entry module into the module graph. */
export const importChild = (): Promise<unknown> => import("./child.ts");

/** Options of the pool that affect its processes. */
export interface ProcessesSettings {
  module: string | undefined;
  memoryLimit: number | undefined;
  permissions: Deno.PermissionOptions | undefined;
  maxJobsPerWorker: number;
  /** Flags of `deno run`, in addition to the pool's own. */
  execArgv: readonly string[];
}

const BYTES_PER_MIB = 2 ** 20;
/** Maximum number of bytes in a message of a process without `memoryLimit`. */
const MAX_MESSAGE_BYTES = 2 ** 30;
/** Share of `memoryLimit` for objects in a message, which take more memory in main. */
const DENSE_PART = 1 / 16;

/** Starts the processes of one pool. */
export class Processes {
  readonly #settings: ProcessesSettings;
  readonly #warden = new Warden();
  readonly #running = new Set<Promise<void>>();
  #surroundings: Surroundings | undefined;

  constructor(settings: ProcessesSettings) {
    this.#settings = settings;
  }

  /**
   * Starts a process.
   *
   * @throws {Error} If the process cannot be started
   */
  open(name: string, events: ThreadEvents): Thread {
    const thread = new ProcessThread(this.#makeSettings(), name, events);
    const { gone } = thread;
    this.#running.add(gone);
    gone.then(() => this.#running.delete(gone));
    return thread;
  }

  /** Stops the warden once all processes, which were told to end, have ended. */
  async stop(): Promise<void> {
    await Promise.all(this.#running);
    await this.#warden.stop();
  }

  /** Made anew for each process: the program may have given up a permission. */
  #makeSettings(): ProcessSettings {
    if (Deno.build.standalone) {
      throw new Error(
        `isolation "process" needs \`deno run\`, which a compiled program has not`,
      );
    }
    const { memoryLimit, permissions, maxJobsPerWorker } = this.#settings;
    this.#surroundings ??= surroundings();
    const grants = grantsFor(permissions, this.#surroundings.env);
    // Without these permissions, only the process itself writes to its standard error.
    const isAlone = grants.run === false && grants.ffi === false;
    return {
      command: this.#command(grants, this.#surroundings),
      warden: this.#warden,
      init: {
        chunk: isAlone ? LONGEST_CHUNK : ATOMIC,
        longest: memoryLimit === undefined
          ? MAX_MESSAGE_BYTES
          : Math.ceil(memoryLimit * BYTES_PER_MIB),
        densest: memoryLimit === undefined
          ? MAX_MESSAGE_BYTES
          : Math.ceil(memoryLimit * BYTES_PER_MIB * DENSE_PART),
        denied: deniedKinds(grants),
        // A process for a single job needs no guard: main kills it on a timeout.
        guards: maxJobsPerWorker > 1,
        mainModule: grants.run === false ? undefined : mainModule(),
      },
    };
  }

  #command(grants: Grants, { config, env }: Surroundings): DenoCommand {
    const { module, memoryLimit, execArgv } = this.#settings;
    const isChosen = execArgv.some((flag) => CHOOSES_CONFIG.test(flag));
    return {
      cwd: mayReadHere(grants) ? undefined : "/",
      flags: [
        ...withHeap(execArgv, memoryLimit),
        ...isChosen || config === undefined ? [] : [`--config=${config}`],
        ...permissionFlags(grants),
        entryWith(module, CHILD, "serve").href,
      ],
      sharesStorage: mayUseFiles(grants) ||
        execArgv.some((flag) => CHOOSES_LOCATION.test(flag)),
      env: environmentFor(grants, env),
      memoryLimit,
    };
  }
}

const CHOOSES_CONFIG = /^--(no-)?config(=|$)/;
const CHOOSES_LOCATION = /^--location(=|$)/;

/** Adds heap limits to the V8 flags, where they override the flags given before. */
function withHeap(
  flags: readonly string[],
  memoryLimit: number | undefined,
): string[] {
  if (memoryLimit === undefined) return [...flags];
  const { young, old } = splitHeap(memoryLimit);
  const v8 = [
    `--max-old-space-size=${old}`,
    `--max-semi-space-size=${Math.max(1, Math.floor(young / 3))}`,
  ];
  const others: string[] = [];
  for (const flag of flags) {
    if (flag.startsWith(V8_FLAGS)) v8.unshift(flag.slice(V8_FLAGS.length));
    else others.push(flag);
  }
  return [...others, V8_FLAGS + v8.join(",")];
}

const V8_FLAGS = "--v8-flags=";
