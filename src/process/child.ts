// What a process of a pool executes first: reads what main says, and hands it to
// the receiver.

import { apply, microtask, parse } from "../values/intrinsics.ts";
import { guest } from "../values/process_bound.ts";
import {
  nextTurn,
  pause,
  renewTurns,
  watchErrors,
} from "../worker/own_thread.ts";
import {
  type LaterMessage,
  openReceiver,
  type Receiver,
} from "../worker/receiver.ts";
import { ChildBoard } from "./child_board.ts";
import { ChildOutput } from "./child_output.ts";
import { FrameReader, Kind } from "./frames.ts";
import type { DataMessage, ProcessInit, ToProcess } from "./protocol.ts";

const { exit, permissions, stdin } = Deno;
const read = stdin.read.bind(stdin);
const Bytes = Uint8Array;
const decoder = new TextDecoder();
const decode = decoder.decode.bind(decoder);
/** How much is read at once, in bytes. */
const READ = 64 * 1024;

let board: ChildBoard;
let output: ChildOutput | undefined;
let receiver: Receiver | undefined;
/** What every worker is given. */
let data: unknown;
/** What came before the receiver was there. */
const early: ToProcess[] = [];
let isLoadingAhead = false;

/** Messages that have come, and which of them is read next. */
const messages: {
  kind: Kind;
  bytes: Uint8Array;
  buffers: Uint8Array<ArrayBuffer>[];
}[] = [];
let next = 0;
/** What reads clones, and whether it is being loaded. */
let decodeClone: typeof import("./clone.ts").decodeClone | undefined;
let isLoading = false;

const reader = new FrameReader((kind, bytes, buffers) => {
  messages[messages.length] = { kind, bytes, buffers };
});

/** Works until main wants no more of it, or is gone. */
export async function serve(): Promise<void> {
  guest.isProcess = true;
  // These reach all processes of a terminal, or of a service: main decides.
  Deno.addSignalListener("SIGINT", ignore);
  if (Deno.build.os !== "windows") {
    Deno.addSignalListener("SIGTERM", ignore);
    Deno.addSignalListener("SIGHUP", ignore);
  }
  hideInput();
  defineOnError();
  watchErrors(globalThis, crash);
  const buffer = new Bytes(READ);
  try {
    for (;;) {
      const count = await read(buffer);
      // Main is gone, or has no use for this process any more.
      if (count === null) return exit(0);
      reader.push(new Bytes(buffer.buffer, 0, count));
      // Not here: a guard that is late stops whatever runs, and this has to go on.
      if (messages.length > 0) microtask(readMessages);
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
  Object.defineProperties(stdin, {
    read: { value: () => Promise.resolve(null) },
    readSync: { value: () => null },
    close: { value: ignore },
    readable: { get: () => new Blob([]).stream() },
  });
}

/** `onerror` gets here what it gets in a worker, and may prevent what it could there. */
function defineOnError(): void {
  let handler: unknown = null;
  addEventListener("error", (event) => {
    if (typeof handler !== "function") return;
    const { message, filename, lineno, colno, error } = event;
    const args = [message, filename, lineno, colno, error];
    if (apply(handler, globalThis, args) === true) event.preventDefault();
  });
  Object.defineProperty(globalThis, "onerror", {
    get: () => handler,
    set: (value) => handler = value,
    configurable: true,
    enumerable: true,
  });
}

/** Reads what has come, in order, each message once, even if this is stopped in the middle. */
function readMessages(): void {
  try {
    while (next < messages.length) {
      const { kind, bytes, buffers } = messages[next];
      const isText = kind === Kind.TEXT;
      if (!isText && decodeClone === undefined) return void loadClone();
      if (++next === messages.length) next = messages.length = 0;
      const message = isText
        ? parse(decode(bytes))
        : decodeClone!(bytes, buffers);
      if (output === undefined) begin(message);
      else if (receiver === undefined) {
        early[early.length] = message as ToProcess;
      } else receive(message as ToProcess);
    }
  } catch {
    // A job has destroyed what it takes to read them.
    exit(1);
  }
}

async function loadClone(): Promise<void> {
  if (isLoading) return;
  isLoading = true;
  try {
    ({ decodeClone } = await import("./clone.ts"));
    readMessages();
  } catch {
    exit(1);
  }
}

function begin(message: ProcessInit | DataMessage): void {
  if ("kind" in message) data = message.data;
  else start(message);
}

async function start(init: ProcessInit): Promise<void> {
  const { name, denied } = init;
  const out = output = new ChildOutput(init, receive);
  board = new ChildBoard((text) => out.send(text), init.concurrency);
  addEventListener("unload", () => board.leave());
  Object.defineProperty(globalThis, "name", { value: name, writable: true });
  let opened: Receiver;
  try {
    for (const kind of denied) checkDenied(kind);
    if (denied.includes("write")) hideStorage();
    opened = await openReceiver({
      init: {
        ...init,
        data,
        maxHeap: init.maxHeap ?? Infinity,
        rings: undefined,
        hardKill: false,
        memoryLimit: undefined,
      },
      board,
      post: (message, moves) => out.post(message, moves),
      copies: true,
      load: () => out.load(),
      nextTurn,
      pause,
      renewTurns,
      crash,
    });
  } catch (error) {
    return await out.fail("failed", error);
  }
  // No job waits for this process: it is started ahead of the need for it.
  if (early.length === 0) {
    isLoadingAhead = true;
    await opened.load();
  }
  receiver = opened;
  out.post({ kind: "ready" });
  for (let i = 0; i < early.length; i++) receive(early[i]);
  early.length = 0;
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

function receive(message: ToProcess): void {
  if ("kind" in message) {
    if (message.kind === "cancel") return board.cancel(message.seq);
    if (message.kind === "guard") return void loadGuard();
  }
  receiver!.receive(message as LaterMessage);
  const isJob = !("kind" in message) || message.kind === "moving-jobs";
  if (isJob && !isLoadingAhead) loadAhead().catch(crash);
}

/**
 * Loads what not every job needs once the first one has had its turn: before it,
 * that would come later by as much.
 */
async function loadAhead(): Promise<void> {
  isLoadingAhead = true;
  await nextTurn();
  await receiver!.load();
}

/** Gets ready for jobs that may only execute for so long: then their time begins. */
async function loadGuard(): Promise<void> {
  try {
    await receiver!.loadGuard();
    output!.send('{"kind":"guarded"}');
  } catch (error) {
    crash(error);
  }
}

/** An error that nobody caught: main replaces this worker, once it has all results. */
function crash(error: unknown): void {
  output?.fail("crashed", error, () => board.leave());
}
