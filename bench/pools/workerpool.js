// workerpool, with a dedicated worker script and a fixed size.
import { fileURLToPath } from "node:url";
import workerpool from "workerpool";

/** @type {import("../types.d.ts").PoolModule["open"]} */
export function open(size) {
  const script = fileURLToPath(
    new URL("./workerpool_worker.js", import.meta.url),
  );
  const pool = workerpool.pool(script, {
    minWorkers: size,
    maxWorkers: size,
    workerType: "thread",
  });
  return {
    run: (name, arg) => pool.exec(name, [arg]),
    move: (buffer) => pool.exec("move", [buffer], { transfer: [buffer] }),
  };
}
