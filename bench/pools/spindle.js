// This pool.
import { ThreadPool } from "../../mod.ts";

/** @type {import("../types.d.ts").PoolModule["open"]} */
export function open(size) {
  /** @type {ThreadPool<any>} */
  const pool = new ThreadPool({
    module: new URL("./spindle_jobs.js", import.meta.url),
    size,
  });
  return {
    run: (name, arg) => pool.execute(name, [arg]),
    move: (buffer) => pool.execute("move", [buffer], { transfer: [buffer] }),
  };
}
