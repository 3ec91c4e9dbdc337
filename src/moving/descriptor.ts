// Private API of Deno's: the file descriptor of a TCP connection, and a connection
// made of it in another thread. `canMoveDescriptors` tells whether the running
// Deno has it.

import { denoCore } from "../values/deno_core.ts";

/** A handle as of libuv, of which Deno's classes for Node make use. */
interface TcpHandle {
  openFromRid(rid: number): number;
  open(fd: number): number;
  fdForIpc(): number;
  takeStream(): number;
  close(): void;
}

/** What Deno's own connections are made of. */
export interface SocketCore {
  read(rid: number, target: Uint8Array): Promise<number>;
  write(rid: number, bytes: Uint8Array): Promise<number>;
  shutdown(rid: number): Promise<void>;
  close(rid: number): void;
  cancelRead(rid: number): void;
  internalRidSymbol: symbol;
}

interface Internals {
  Tcp: new (type: number) => TcpHandle;
  core: SocketCore;
}

let found: Internals | "none" | undefined;

function internals(): Internals | undefined {
  try {
    found ??= seek() ?? "none";
  } catch {
    // It is not there, or not as it is known here.
    found = "none";
  }
  return found === "none" ? undefined : found;
}

function seek(): Internals | undefined {
  const core = denoCore<SocketCore>();
  const { process } = globalThis as unknown as {
    process: { binding(name: string): { TCP: Internals["Tcp"] } };
  };
  const { TCP: Tcp } = process.binding("tcp_wrap");
  const methods = ["openFromRid", "open", "fdForIpc", "takeStream", "close"];
  const functions = [
    ...methods.map((name) => Tcp.prototype[name]),
    core.read,
    core.write,
    core.shutdown,
    core.close,
    core.cancelRead,
  ];
  const isKnown = functions.every((fn) => typeof fn === "function") &&
    typeof core.internalRidSymbol === "symbol" && Deno.build.os !== "windows";
  return isKnown ? { Tcp, core: core as SocketCore } : undefined;
}

/** Whether the running Deno can move descriptors. */
export function canMoveDescriptors(): boolean {
  return internals() !== undefined;
}

/**
 * A new descriptor of a connection's socket, if it has one that can move. To close
 * the connection shuts the socket down, even if others have a descriptor of it.
 */
export function newDescriptor(connection: Deno.Conn): number | undefined {
  const found = internals();
  if (found === undefined) return undefined;
  const { Tcp, core } = found;
  const rid = (connection as unknown as Record<symbol, unknown>)[
    core.internalRidSymbol
  ];
  if (typeof rid !== "number") return undefined;
  const handle = new Tcp(0);
  try {
    if (handle.openFromRid(rid) !== 0) return undefined;
    const fd = handle.fdForIpc();
    return fd < 0 ? undefined : fd;
  } finally {
    handle.close();
  }
}

/** Makes a resource of a descriptor, in the thread that uses it. */
export function adoptDescriptor(fd: number): { rid: number; core: SocketCore } {
  const { Tcp, core } = internals()!;
  const handle = new Tcp(0);
  const status = handle.open(fd);
  if (status !== 0) throw new Deno.errors.BadResource(`Bad descriptor ${fd}`);
  const rid = handle.takeStream();
  handle.close();
  return { rid, core };
}

/** Closes a descriptor that nobody has adopted. */
export function dropDescriptor(fd: number): void {
  const { Tcp } = internals()!;
  const handle = new Tcp(0);
  handle.open(fd);
  handle.close();
}
