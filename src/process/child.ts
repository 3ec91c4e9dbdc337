// What a process of a pool executes first: talks to main, and hands what main says
// to the receiver.

import { nextTurn, renewTurns, watchErrors } from "../worker/own_thread.ts";
import {
  type LaterMessage,
  openReceiver,
  type Receiver,
} from "../worker/receiver.ts";
import { isArray, parse, stringify, unbind } from "../values/intrinsics.ts";
import { WAKE } from "../wire/board.ts";
import type { PackedError } from "../values/error_codec.ts";
import type { FlowEvents } from "../flow/events.ts";
import type { AbortMessage, FromWorker, ToWorker } from "../wire/protocol.ts";
import { ChildBoard } from "./child_board.ts";
import { ChunkWriter } from "./chunk_writer.ts";
import { checkClone } from "./density.ts";
import { FrameReader } from "./frame_reader.ts";
import { Kind, type ProcessInit } from "./frames.ts";

type Clone = typeof import("./clone.ts") & typeof import("./flow_each.ts");
type Encoded = import("./clone.ts").Encoded;

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
const copyOf = unbind(
  Uint8Array.prototype.slice as (this: Uint8Array) => Uint8Array,
);
const Decoder = TextDecoder;
const Encoder = TextEncoder;
const microtask = queueMicrotask;
const encoder = new Encoder();
const decoder = new Decoder();
const encode = encoder.encode.bind(encoder);
const decode = decoder.decode.bind(decoder);

/** How much is read at once, in bytes. */
const READ = 64 * 1024;

let board: ChildBoard;
let writer: ChunkWriter;
let densest: number;
let receiver: Receiver | undefined;
/** What came before the receiver was there. */
const early: ToProcess[] = [];
let clone: Clone | undefined;
/** Clones whose blobs are being read, and those after them. */
const unread: Encoded[] = [];

let isLoadingAhead = false;

/** Frames that have come, and which of them is read next. */
const frames: { kind: Kind; bytes: Uint8Array<ArrayBuffer> }[] = [];
let next = 0;
/** What the next clone refers to. */
let buffers: Uint8Array<ArrayBuffer>[] = [];
/** Whether what reads them is being loaded. */
let isLoading = false;

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
      const { wanted } = reader;
      const isLarge = wanted !== undefined && wanted.length >= READ;
      const count = await read(isLarge ? wanted : buffer);
      // Main is gone, or has no use for this process any more.
      if (count === null) return exit(0);
      if (isLarge) reader.took(count);
      else reader.push(buffer.subarray(0, count));
      // Not here: a guard that is late stops whatever runs, and this has to go on.
      if (frames.length > 0) microtask(readFrames);
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

/** Reads what has come, in order, each frame once, even if this is stopped in the middle. */
function readFrames(): void {
  try {
    while (next < frames.length) {
      const { kind, bytes } = frames[next];
      if (kind === Kind.CLONE && clone === undefined) return void loadFirst();
      if (++next === frames.length) next = frames.length = 0;
      if (kind === Kind.BYTES) {
        buffers[buffers.length] = bytes;
        continue;
      }
      const referred = buffers;
      if (kind === Kind.CLONE) buffers = [];
      const message = kind === Kind.TEXT
        ? parse(decode(bytes))
        : clone!.decodeClone(bytes, referred);
      if (writer === undefined) start(message as ProcessInit);
      else if (receiver !== undefined) receive(receiver, message as ToProcess);
      else early[early.length] = message as ToProcess;
    }
  } catch {
    // A job has destroyed what it takes to read them.
    exit(1);
  }
}

async function loadFirst(): Promise<void> {
  if (isLoading) return;
  isLoading = true;
  try {
    await load();
    isLoading = false;
    readFrames();
  } catch {
    exit(1);
  }
}

async function load(): Promise<void> {
  if (clone !== undefined) return;
  const loaded = await import("./clone.ts");
  const { flowEach } = await import("./flow_each.ts");
  loaded.useV8(await import("node:v8"));
  clone = { ...loaded, flowEach };
}

async function start(init: ProcessInit): Promise<void> {
  const { mark, chunk, longest, name, denied, ...rest } = init;
  densest = init.densest;
  writer = new ChunkWriter(mark, chunk, longest);
  board = new ChildBoard(send, init.concurrency);
  Object.defineProperty(globalThis, "name", { value: name, writable: true });
  let opened: Receiver;
  try {
    for (const kind of denied) checkDenied(kind);
    if (denied.includes("write")) hideStorage();
    const workerInit = {
      ...rest,
      maxHeap: init.maxHeap ?? Infinity,
      rings: undefined,
      hardKill: false,
      memoryLimit: undefined,
    };
    opened = await openReceiver({
      init: workerInit,
      board,
      post,
      copies: true,
      load,
      nextTurn,
      renewTurns,
      crash,
    });
  } catch (error) {
    return await tell("failed", error);
  }
  receiver = opened;
  post({ kind: "ready" });
  for (let i = 0; i < early.length; i++) receive(opened, early[i]);
}

/** What is stored goes to the disk, for which Deno asks no permission. */
function hideStorage(): void {
  for (const name of ["localStorage", "caches"]) {
    Reflect.deleteProperty(globalThis, name);
  }
}

/** Flags say what this process may do: if others were added to them, it does nothing. */
function checkDenied(name: Deno.PermissionName): void {
  const { state } = permissions.querySync(
    { name } as Deno.PermissionDescriptor,
  );
  if (state !== "granted") return;
  throw new Error(`Permission "${name}" is granted to a process without it`);
}

function receive(receiver: Receiver, message: ToProcess): void {
  if ("kind" in message) {
    if (message.kind === "cancel") return board.cancel(message.seq);
    if (message.kind === "guard") return void guard(receiver);
  }
  receiver.receive(message as LaterMessage);
  if (!isLoadingAhead) loadAhead(receiver).catch(crash);
}

/**
 * Loads what not every job needs once the first one has had its turn: before it,
 * that would come later by as much.
 */
async function loadAhead(receiver: Receiver): Promise<void> {
  isLoadingAhead = true;
  await nextTurn();
  await receiver.load();
}

/** Gets ready for jobs that may only execute for so long: then their time begins. */
async function guard(receiver: Receiver): Promise<void> {
  try {
    await receiver.loadGuard();
    send('{"kind":"guarded"}');
  } catch (error) {
    crash(error);
  }
}

function send(text: string): void {
  try {
    const bytes = encode(text);
    writer.check(bytes.length);
    writer.write(Kind.TEXT, bytes);
  } catch {
    // Main is gone, or a job has closed the output.
    exit(1);
  }
}

/** Posts a message to main; throws if something in it cannot be cloned. */
function post(message: FromWorker): void {
  if (message === WAKE) return;
  if (!isArray(message) && isPlain(message)) {
    return send(stringify(message));
  }
  if (!isArray(message) && message.kind === "flow") {
    return postFlow(message.events);
  }
  postClone(message);
}

function postFlow(events: FlowEvents): void {
  clone!.unshareChunks(events);
  try {
    postClone({ kind: "flow", events });
  } catch {
    clone!.flowEach(
      events,
      [],
      (events) => postClone({ kind: "flow", events }),
      (events) => receive(receiver!, { kind: "flow", events }),
    );
  }
}

function postClone(message: FromWorker): void {
  const encoded = clone!.encodeClone(message);
  checkClone(encoded.clone.length, densest);
  writer.check(encoded.length);
  if (unread.length === 0 && encoded.blobs.length === 0) writeClone(encoded);
  else {
    // A job may change what it holds meanwhile.
    for (let i = 0; i < encoded.buffers.length; i++) {
      encoded.buffers[i] = copyOf(encoded.buffers[i]);
    }
    unread[unread.length] = encoded;
    if (unread.length === 1) writeUnread().catch(() => exit(1));
  }
}

function writeClone(
  { clone, buffers }: Encoded,
  blobs?: Uint8Array,
): void {
  for (let i = 0; i < buffers.length; i++) writer.write(Kind.BYTES, buffers[i]);
  if (blobs !== undefined) writer.write(Kind.BYTES, blobs);
  writer.write(Kind.CLONE, clone);
}

/** Writes clones in order, each once its blobs have been read. */
async function writeUnread(): Promise<void> {
  for (let at = 0; at < unread.length; at++) {
    const { blobs } = unread[at];
    const bytes = blobs.length > 0 ? await clone!.readBlobs(blobs) : undefined;
    writeClone(unread[at], bytes);
  }
  unread.length = 0;
}

function isPlain(message: Exclude<FromWorker, unknown[] | typeof WAKE>) {
  return message.kind === "ready" || message.kind === "grown" ||
    message.kind === "ended" && message.ending.kind === "timed-out";
}

async function tell(
  kind: "failed" | "crashed",
  error: unknown,
): Promise<void> {
  try {
    await load();
    const { packError } = await import("../values/error_codec.ts");
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
