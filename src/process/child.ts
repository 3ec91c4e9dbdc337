// The entry module of a process: reads the messages from main and passes them to the
// receiver.

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
/** Maximum number of bytes to read at once. */
const READ = 64 * 1024;

let board: ChildBoard;
let output: ChildOutput | undefined;
let receiver: Receiver | undefined;
/** The pool's `workerData`. */
let data: unknown;
/** Messages that arrived before the receiver was ready. */
const early: ToProcess[] = [];
let isLoadingAhead = false;

/** Received messages, and the index of the next message to read. */
const messages: {
  kind: Kind;
  bytes: Uint8Array;
  buffers: Uint8Array<ArrayBuffer>[];
}[] = [];
let next = 0;
/** Decoder of clones, and whether it is loading. */
let decodeClone: typeof import("./clone.ts").decodeClone | undefined;
let isLoading = false;

const reader = new FrameReader((kind, bytes, buffers) => {
  messages[messages.length] = { kind, bytes, buffers };
});

/** Runs this process until main has ended or no longer needs it. */
export async function serve(): Promise<void> {
  guest.isProcess = true;
  // These signals reach all processes of a terminal or service: only main handles them.
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
      // Main has ended, or does not need this process any more.
      if (count === null) return exit(0);
      reader.push(new Bytes(buffer.buffer, 0, count));
      // In a microtask: a late guard stops any running code, and this loop must go on.
      if (messages.length > 0) microtask(readMessages);
    }
  } catch {
    // A job has closed the input, or has broken code that reads it.
    exit(1);
  }
}

function ignore(): void {
  // The default action would end this process.
}

/** Makes the standard input look empty to jobs, because main uses it. */
function hideInput(): void {
  Object.defineProperties(stdin, {
    read: { value: () => Promise.resolve(null) },
    readSync: { value: () => null },
    close: { value: ignore },
    readable: { get: () => new Blob([]).stream() },
  });
}

/** Defines `onerror` as in a worker: same arguments; `true` prevents the default. */
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

/** Reads the received messages in order, each once, even if a guard interrupts this. */
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
    // A job has broken code that reads messages.
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
  // No job waits for this process: it was started ahead of jobs.
  if (early.length === 0) {
    isLoadingAhead = true;
    await opened.load();
  }
  receiver = opened;
  out.post({ kind: "ready" });
  for (let i = 0; i < early.length; i++) receive(early[i]);
  early.length = 0;
}

/** Removes storage APIs, which write to the disk without a permission. */
function hideStorage(): void {
  for (const name of ["localStorage", "caches"]) {
    Reflect.deleteProperty(globalThis, name);
  }
}

/** Throws if a denied permission is granted, for example by additional flags. */
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
 * Loads code that only some jobs need, after the first job's turn. Loading the code
 * earlier would delay that job.
 */
async function loadAhead(): Promise<void> {
  isLoadingAhead = true;
  await nextTurn();
  await receiver!.load();
}

/** Loads the guard, and notifies main, which then sends the jobs with a timeout. */
async function loadGuard(): Promise<void> {
  try {
    await receiver!.loadGuard();
    output!.send('{"kind":"guarded"}');
  } catch (error) {
    crash(error);
  }
}

/** Reports an uncaught error: main replaces this worker once it has all results. */
function crash(error: unknown): void {
  output?.fail("crashed", error, () => board.leave());
}
