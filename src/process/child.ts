// What a process of a pool executes first: talks to main, and hands what main says
// to the core.

import { type Core, openCore } from "../worker/core.ts";
import { nextTurn } from "../worker/next_turn.ts";
import { watchErrors } from "../worker/watch_errors.ts";
import { parse, stringify } from "../intrinsics.ts";
import { WAKE } from "../board.ts";
import type { PackedError } from "../error_codec.ts";
import type { AbortMessage, FromWorker, ToWorker } from "../protocol.ts";
import { ChildBoard } from "./child_board.ts";
import { ChunkWriter } from "./chunk_writer.ts";
import { FrameReader } from "./frame_reader.ts";
import { Kind, type ProcessInit } from "./frames.ts";

type Clone = typeof import("./clone.ts");

/** What main says to a process: what it says to any worker, and some more. */
export type ToProcess =
  | Exclude<ToWorker, typeof WAKE | AbortMessage>
  | (Omit<AbortMessage, "reason"> & { reason: PackedError })
  /** Jobs that may only execute for so long are to come. */
  | { kind: "guard" }
  /** What moved with this job follows, but main has taken the job back. */
  | { kind: "cancel"; seq: number };

/** As they were before any job could overwrite them. */
const { exit, permissions, stdin } = Deno;
const read = stdin.read.bind(stdin);
const Decoder = TextDecoder;
const Encoder = TextEncoder;
const encoder = new Encoder();
const decoder = new Decoder();
const encode = encoder.encode.bind(encoder);
const decode = decoder.decode.bind(decoder);

/** How much is read at once, in bytes. */
const READ = 64 * 1024;

let board: ChildBoard;
let writer: ChunkWriter;
let core: Core | undefined;
/** What came before the core was there. */
const early: ToProcess[] = [];
let clone: Clone | undefined;

/** Frames that are not yet read, since what reads them is still to be loaded. */
const frames: { kind: Kind; bytes: Uint8Array }[] = [];
let isReading = false;

const reader = new FrameReader((kind, bytes) => {
  frames[frames.length] = { kind, bytes };
});

/** Works until main wants no more of it, or is gone. */
export async function serve(): Promise<void> {
  // These reach all processes of a terminal, or of a service: main decides.
  Deno.addSignalListener("SIGINT", ignore);
  if (Deno.build.os !== "windows") Deno.addSignalListener("SIGTERM", ignore);
  hideInput();
  watchErrors(globalThis, crash);
  const buffer = new Uint8Array(READ);
  try {
    for (;;) {
      const count = await read(buffer);
      // Main is gone, or has no use for this process any more.
      if (count === null) return exit(0);
      reader.push(buffer.subarray(0, count));
      if (!isReading && frames.length > 0) readFrames().catch(() => exit(1));
    }
  } catch {
    // A job has closed the input, or destroyed what it takes to read it.
    exit(1);
  }
}

function ignore(): void {
  // The default would end this process.
}

/** The standard input is main's: a job finds it empty. */
function hideInput(): void {
  const empty = {
    read: { value: () => Promise.resolve(null) },
    readSync: { value: () => null },
    close: { value: ignore },
    readable: { get: () => new Blob([]).stream() },
  };
  Object.defineProperties(stdin, empty);
}

/** Reads what has come, in order. */
async function readFrames(): Promise<void> {
  isReading = true;
  let at = 0;
  for (; at < frames.length; at++) {
    const { kind, bytes } = frames[at];
    if (kind === Kind.CLONE && clone === undefined) await load();
    const message = kind === Kind.TEXT
      ? parse(decode(bytes))
      : clone!.decodeClone(bytes);
    if (writer === undefined) start(message as ProcessInit);
    else if (core === undefined) early[early.length] = message as ToProcess;
    else receive(core, message as ToProcess);
  }
  frames.length = 0;
  isReading = false;
}

async function load(): Promise<void> {
  if (clone !== undefined) return;
  const loaded = await import("./clone.ts");
  loaded.useV8(await import("node:v8"));
  clone = loaded;
}

async function start(init: ProcessInit): Promise<void> {
  const { mark, chunk, longest, name, denied, ...rest } = init;
  writer = new ChunkWriter(mark, chunk, longest);
  board = new ChildBoard(send, init.concurrency);
  Object.defineProperty(globalThis, "name", { value: name, writable: true });
  let opened: Core;
  try {
    for (const kind of denied) checkDenied(kind);
    const workerInit = {
      ...rest,
      maxHeap: init.maxHeap ?? Infinity,
      rings: undefined,
      hardKill: false,
      memoryLimit: undefined,
    };
    opened = await openCore(workerInit, board, { post, load, nextTurn, crash });
  } catch (error) {
    return await tell("failed", error);
  }
  core = opened;
  post({ kind: "ready" });
  for (let i = 0; i < early.length; i++) receive(core, early[i]);
}

/** Flags say what this process may do: if others were added to them, it does nothing. */
function checkDenied(name: Deno.PermissionName): void {
  const { state } = permissions.querySync(
    { name } as Deno.PermissionDescriptor,
  );
  if (state !== "granted") return;
  throw new Error(`Permission "${name}" is granted to a process without it`);
}

function receive(core: Core, message: ToProcess): void {
  try {
    if ("kind" in message) {
      if (message.kind === "cancel") return board.cancel(message.seq);
      if (message.kind === "guard") return void guard(core);
      if (message.kind === "moving-jobs" || message.kind === "flow") {
        core.loadRest().catch(crash);
      }
    }
    core.receive(message);
  } catch (error) {
    crash(error);
  }
}

/** Gets ready for jobs that may only execute for so long: then their time begins. */
async function guard(core: Core): Promise<void> {
  try {
    await core.loadGuard();
    send('{"kind":"guarded"}');
  } catch (error) {
    crash(error);
  }
}

function send(text: string): void {
  try {
    writer.write(Kind.TEXT, [encode(text)]);
  } catch {
    // Main is gone, or a job has closed the output.
    exit(1);
  }
}

/** Posts a message to main; throws if something in it cannot be cloned. */
function post(message: FromWorker): void {
  if (message === WAKE) return;
  if (!Array.isArray(message) && isPlain(message)) {
    return send(stringify(message));
  }
  if (!Array.isArray(message) && message.kind === "flow") {
    clone!.unshareChunks(message.events);
  }
  writer.write(Kind.CLONE, clone!.encodeClone(message));
}

function isPlain(message: Exclude<FromWorker, unknown[] | typeof WAKE>) {
  return message.kind === "ready" || message.kind === "grown";
}

async function tell(
  kind: "failed" | "crashed",
  error: unknown,
): Promise<void> {
  try {
    await load();
    const { packError } = await import("../error_codec.ts");
    post({ kind, error: packError(error) });
  } catch {
    // A job has destroyed what that takes.
    exit(1);
  }
}

/** An error that nobody caught: main replaces this worker, once it has all results. */
function crash(error: unknown): void {
  tell("crashed", error);
}
