// The worker's end of a connection whose bytes go through a channel in both
// directions.

import { BLOCK } from "../flow/blocks.ts";
import { Channel } from "../flow/channel.ts";
import { FlowEvent } from "../flow/events.ts";
import type { Link } from "../flow/link.ts";
import { WINDOW } from "../flow/window.ts";
import { unpackError } from "../values/unpack_error.ts";
import { deno } from "../values/intrinsics.ts";
import {
  type About,
  ONE_READ,
  type SocketAnswer,
  type SocketCall,
} from "./connection.ts";
import { type Arrival, Half } from "./kind.ts";
import {
  abortedError,
  closedError,
  type Connection,
  type ConnectionArrival,
  interruptedError,
  makeConnection,
} from "./moved_connection.ts";

/** The worker's end of a connection that moves as bytes. */
export class BytesArrival extends Half implements ConnectionArrival, Arrival {
  protected readonly channel: Channel;
  readonly value: Connection;
  /** Calls that wait for an answer, in order. */
  #calls: PromiseWithResolvers<unknown>[] | undefined;
  /** Number of bytes of the first chunk that have been read. */
  #offset = 0;
  readonly #isTls: boolean;
  /** Whether writes must wait for the TLS handshake, which can still fail. */
  #mustShake: boolean;
  #shaken: Promise<unknown> | undefined;
  #isAborted = false;

  constructor(link: Link, id: number, about: About) {
    super();
    this.channel = new Channel(
      { called: (answer) => this.#answered(answer as SocketAnswer) },
      { in: ONE_READ, out: WINDOW },
    );
    this.channel.join(link, id);
    this.#mustShake = this.#isTls = about[0] === "tls";
    this.value = makeConnection(this, about);
  }

  async read(target: Uint8Array): Promise<number | null> {
    if (target.length === 0) return 0;
    const { inlet } = this.channel;
    do await this.#more(); while (this.#isTaken);
    if (!inlet.hasChunk) return null;
    const chunk = inlet.first as Uint8Array;
    const part = chunk.subarray(this.#offset, this.#offset + target.length);
    target.set(part);
    this.#offset += part.length;
    if (this.#offset === chunk.length) {
      this.#offset = 0;
      inlet.take();
      this.channel.release(chunk);
    }
    return part.length;
  }

  async readChunk(): Promise<Uint8Array<ArrayBuffer> | null> {
    const { inlet } = this.channel;
    do await this.#more(); while (this.#isTaken);
    if (!inlet.hasChunk) return null;
    const chunk = inlet.take() as Uint8Array;
    const rest = this.channel.own(chunk).subarray(this.#offset);
    this.#offset = 0;
    return rest;
  }

  /** Whether another reader took the chunk, so this one must wait again. */
  get #isTaken(): boolean {
    const { inlet } = this.channel;
    return !inlet.hasChunk && (!inlet.hasEnded || inlet.hasFailed);
  }

  /** Waits for the next chunk, or for the end. */
  async #more(): Promise<void> {
    if (!this.isOpen) throw closedError();
    const { inlet } = this.channel;
    if (!inlet.hasChunk) await inlet.more();
    if (!this.isOpen) throw interruptedError();
    if (this.#isAborted) throw abortedError();
    if (!inlet.hasChunk && inlet.hasFailed) throw inlet.error;
    // Bytes arrive only after a handshake.
    if (inlet.hasChunk) this.#mustShake = false;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const { outlet } = this.channel;
    if (!this.isOpen) throw closedError();
    if (this.#mustShake) await this.#shake();
    if (!outlet.hasCredit) await outlet.until("hasCredit");
    if (!this.isOpen) throw interruptedError();
    if (outlet.isStopped) throw outlet.stopReason;
    if (bytes.length === 0 && this.#isTls) return 0;
    if (outlet.hasEnded) throw this.#endedError();
    if (bytes.length === 0) return 0;
    // Copied, because the caller can reuse its buffer as soon as this resolves.
    const part = bytes.subarray(0, BLOCK);
    outlet.sendBytes(part, false);
    return part.length;
  }

  /** Waits for the handshake. If it fails, the first write rejects, as in Deno. */
  async #shake(): Promise<void> {
    await (this.#shaken ??= this.handshake());
    this.#mustShake = false;
  }

  /** Returns the native error of a write after `closeWrite()`. */
  #endedError(): Error {
    return this.#isTls
      ? new deno.errors.NotConnected("not connected")
      : new deno.errors.BrokenPipe("Broken pipe");
  }

  async closeWrite(): Promise<void> {
    if (!this.isOpen) throw closedError();
    if (this.#mustShake) await this.#shake();
    if (!this.isOpen) throw interruptedError();
    await this.channel.outlet.finish();
  }

  /** Closes the connection. Bytes already written are still sent. */
  close(): void {
    if (!this.isOpen) return;
    this.channel.tell(FlowEvent.CLOSE);
    this.channel.drop();
    // Wakes the reads that are waiting.
    this.channel.inlet.end();
    // An end that was sent is still delivered, so `closeWrite()` resolves.
    if (this.channel.outlet.hasEnded) this.channel.outlet.taken();
    // No reason, because writes check `isOpen` first. Creating an error took a third
    // of a short connection's processor time in the worker.
    this.channel.outlet.stop(undefined);
    for (const call of this.#calls ?? []) call.reject(interruptedError());
    this.leave();
  }

  abort(): void {
    this.#isAborted = true;
    this.channel.inlet.fail(abortedError());
    // Writes with credit still succeed, but do not wait for a client that does not read.
    this.channel.outlet.interrupt(abortedError());
  }

  end(): void {
    this.close();
  }

  set(option: "setNoDelay" | "setKeepAlive", value?: boolean): void {
    this.#call([option, value]).catch(() => {
      // The socket is closed; the next read or write reports it.
    });
  }

  handshake(): Promise<Deno.TlsHandshakeInfo> {
    if (!this.isOpen) return Promise.reject(closedError());
    return this.#call(["handshake"]) as Promise<Deno.TlsHandshakeInfo>;
  }

  #call(call: SocketCall): Promise<unknown> {
    const answer = Promise.withResolvers<unknown>();
    (this.#calls ??= []).push(answer);
    this.channel.tell(FlowEvent.CALL, call);
    return answer.promise;
  }

  #answered(answer: SocketAnswer): void {
    const call = this.#calls?.shift();
    if ("error" in answer) call?.reject(unpackError(answer.error));
    else call?.resolve(answer.value);
  }
}
