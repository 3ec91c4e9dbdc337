// Wraps a private API of Deno: it duplicates the file descriptor of a TCP connection,
// and uses it in another thread. `canMoveDescriptors` checks whether the running Deno
// has this API.

import { denoCore } from "../values/deno_core.ts";

/** A handle like libuv's, which Deno's classes for Node use. */
interface TcpHandle {
  openFromRid(rid: number): number;
  open(fd: number): number;
  fdForIpc(): number;
  takeStream(): number;
  close(): void;
}

/** The functions that Deno's own connections use. */
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
    // The API is missing, or differs from the one described here.
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

/** Returns whether the running Deno can move descriptors. */
export function canMoveDescriptors(): boolean {
  return internals() !== undefined;
}

/**
 * Returns a new descriptor of a connection's socket, if that can move. Closing the
 * connection shuts the socket down, even if there are other descriptors of it.
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

/** Makes a resource from a descriptor, in the thread that uses it. */
export function adoptDescriptor(fd: number): { rid: number; core: SocketCore } {
  const { Tcp, core } = internals()!;
  const handle = new Tcp(0);
  const status = handle.open(fd);
  if (status !== 0) throw new Deno.errors.BadResource(`Bad descriptor ${fd}`);
  const rid = handle.takeStream();
  handle.close();
  return { rid, core };
}

/** Closes a descriptor that no thread has adopted. */
export function dropDescriptor(fd: number): void {
  const { Tcp } = internals()!;
  const handle = new Tcp(0);
  handle.open(fd);
  handle.close();
}
