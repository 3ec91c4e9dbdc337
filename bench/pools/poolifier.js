// poolifier's fixed pool of threads, with its defaults.
import { fileURLToPath } from "node:url";
import { FixedThreadPool } from "poolifier";

/** @type {import("../types.d.ts").PoolModule["open"]} */
export function open(size) {
  const script = fileURLToPath(
    new URL("./poolifier_worker.js", import.meta.url),
  );
  /** @type {FixedThreadPool<unknown, any>} */
  const pool = new FixedThreadPool(size, script);
  return {
    run: (name, arg) => pool.execute(arg, name),
    move: (buffer) => pool.execute(buffer, "move", undefined, [buffer]),
  };
}
