// The client's end of a connection, which is closed when it keeps the server waiting too long.

/** What is needed of a `Deno.Conn`. */
export type Conn = Pick<Deno.Conn, "read" | "write" | "closeWrite" | "close">;

/** A timer that is so many ms late has waited for this thread, not for the client. */
const LATE = 100;

/**
 * Reads from and writes to a connection. One timer serves all of its requests:
 * it is not set anew for each read, but looks, when it fires, how long the
 * client has been waited for.
 */
export class Client implements Disposable {
  readonly #conn: Conn;
  readonly #idle: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #timerDue = 0;
  /** Since when the client is waited for, if it is. */
  #waitingSince: number | undefined;
  #isGivenUp = false;

  /** A client that is waited for at most `idle` ms at a time. */
  constructor(conn: Conn, idle: number) {
    this.#conn = conn;
    this.#idle = idle;
    this.#lookIn(idle);
  }

  /** Reads what there is; `null` if the client has left or was given up. */
  async read(target: Uint8Array): Promise<number | null> {
    this.#waitingSince = performance.now();
    try {
      return await this.#conn.read(target);
    } catch (error) {
      if (this.#isGivenUp) return null;
      throw error;
    } finally {
      this.#waitingSince = undefined;
    }
  }

  /** Writes all of it; `false` if the client was given up. */
  async write(bytes: Uint8Array): Promise<boolean> {
    try {
      for (let written = 0; written < bytes.length;) {
        this.#waitingSince = performance.now();
        written += await this.#conn.write(bytes.subarray(written));
      }
      return true;
    } catch (error) {
      if (this.#isGivenUp) return false;
      throw error;
    } finally {
      this.#waitingSince = undefined;
    }
  }

  /**
   * Parts from a client that may still be sending: to close with input unread
   * resets the connection, and that can destroy the response on its way.
   */
  async linger(ms: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#giveUp(), ms);
    const buffer = new Uint8Array(16 * 1024);
    try {
      await this.#conn.closeWrite();
      while (await this.#conn.read(buffer) !== null);
    } catch {
      // It has gone by itself, or was given up: parted it is.
    }
  }

  /** Stops the timer; closing the connection is its owner's. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }

  #lookIn(ms: number): void {
    this.#timerDue = performance.now() + ms;
    this.#timer = setTimeout(() => this.#look(), ms);
  }

  #look(): void {
    const now = performance.now();
    // While this thread was busy nobody could be heard, whatever was sent.
    if (now > this.#timerDue + LATE) this.#waitingSince &&= now;
    const waited = now - (this.#waitingSince ?? now);
    if (waited >= this.#idle) this.#giveUp();
    else this.#lookIn(Math.ceil(this.#idle - waited));
  }

  #giveUp(): void {
    this.#isGivenUp = true;
    this.#conn.close(); // which ends the read or write that waits
  }
}
