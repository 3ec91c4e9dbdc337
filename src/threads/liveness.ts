// How one thread learns that another has ended, which no event tells of one
// that ends by `self.close()` or `Deno.exit()`: by a Web Lock that the other
// holds for as long as it lives. Where there are no Web Locks, such an end goes
// unnoticed.

import { apply, endsWith, unbind } from "../intrinsics.ts";

/** What is used here of the Web Locks API, which Deno's types leave out. */
interface Locks {
  request(
    this: Locks,
    name: string,
    options: { signal?: AbortSignal; steal?: boolean; ifAvailable?: boolean },
    callback: (lock: unknown) => unknown,
  ): Promise<unknown>;
}

const { locks } = navigator as { locks?: Locks };
/** What the names of these locks end with. */
const LIFE = "/@spindle/thread-pool";

/** As it was before any job could overwrite it. */
const request = locks && unbind(locks.request);

/**
 * From now on what runs in this thread can steal no such lock: a thread that is
 * busy could not show another one, and would be taken to have ended.
 */
export function guardLives(): void {
  if (locks === undefined) return;
  const prototype: Locks = Object.getPrototypeOf(locks);
  const { request } = prototype;
  prototype.request = function (name, options, ...rest) {
    const text = `${name}`;
    const read = typeof options === "object" ? { ...options } : options;
    if (read?.steal && endsWith(text, LIFE)) {
      const message = "A lock that shows that a thread lives cannot be stolen";
      return Promise.reject(new DOMException(message, "NotAllowedError"));
    }
    return apply(request, this, [text, read, ...rest]);
  };
}

/**
 * Shows that this thread lives; resolves, once that can be seen, with the name it
 * does so by. A lock can be stolen: then it is shown by another one.
 *
 * @param onRenamed Hears of a new name
 */
export function showLife(
  threadName: string,
  onRenamed: (name: string) => void,
): Promise<string> {
  const name = `thread/${threadName}/${crypto.randomUUID()}${LIFE}`;
  return new Promise((resolve) => {
    if (request === undefined) return resolve(name);
    request(locks!, name, {}, () => {
      resolve(name);
      return new Promise(() => {});
    }).catch(async () => onRenamed(await showLife(threadName, onRenamed)));
  });
}

/** Whether the thread that shows its life by this name has ended, as far as that can be seen. */
export function hasEnded(name: string): Promise<boolean> {
  if (locks === undefined) return Promise.resolve(true);
  return locks.request(
    name,
    { ifAvailable: true },
    (lock: unknown) => lock !== null,
  ) as Promise<boolean>;
}

/**
 * Resolves when the thread that shows its life by this name has ended; never once
 * aborted. There is nothing to wait for where that cannot be seen.
 */
export function endOfLife(
  name: string,
  signal: AbortSignal,
): Promise<void> | undefined {
  if (locks === undefined) return undefined;
  return new Promise((resolve) => {
    // It is rejected once aborted, or if the lock is stolen as soon as it is held.
    locks.request(name, { signal }, () => resolve()).catch(() => {});
  });
}
