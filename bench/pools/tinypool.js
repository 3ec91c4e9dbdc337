// tinypool, with its defaults and a fixed size.
import { Tinypool } from "tinypool";

/** @type {import("../types.d.ts").PoolModule["open"]} */
export function open(size) {
  const pool = new Tinypool({
    filename: new URL("./tinypool_worker.js", import.meta.url).href,
    minThreads: size,
    maxThreads: size,
  });
  return {
    run: (name, arg) => pool.run(arg, { name }),
    move: (buffer) =>
      pool.run(buffer, { name: "move", transferList: [buffer] }),
  };
}
