// No pool: messages to one worker that echoes them, the floor under every figure.

/** Jobs a message where they are batched by hand. */
const BATCH = 128;

/** @type {import("../types.d.ts").PoolModule["open"]} */
export function open(_size) {
  /** @type {(data: any) => void} */
  let receive;
  const worker = spawn((data) => receive(data));
  return {
    run: (_job, arg) =>
      new Promise((resolve) => {
        receive = resolve;
        worker.postMessage(arg);
      }),
    move: (buffer) =>
      new Promise((resolve) => {
        receive = resolve;
        worker.postMessage(buffer, [buffer]);
      }),
    burst: (count, arg) =>
      new Promise((resolve) => {
        let left = count;
        receive = (batch) => {
          left -= batch.length;
          if (left === 0) resolve();
        };
        for (let id = 0; id < count;) {
          const batch = [];
          const end = Math.min(id + BATCH, count);
          for (; id < end; id++) batch.push({ id, v: arg(id) });
          worker.postMessage(batch);
        }
      }),
  };
}

/**
 * @param {(data: any) => void} onmessage
 * @returns {any} The worker, under Deno or Node
 */
function spawn(onmessage) {
  const url = new URL("./raw_worker.js", import.meta.url);
  if ("Deno" in globalThis) {
    const worker = new Worker(url, { type: "module" });
    worker.onmessage = (event) => onmessage(event.data);
    return worker;
  }
  const worker = new (process.getBuiltinModule("node:worker_threads").Worker)(
    url,
  );
  worker.on("message", onmessage);
  return worker;
}
