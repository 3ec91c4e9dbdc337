// The way of this pool's jobs to one worker, and nothing of the rest: jobs of plain data
// travel together as JSON, each is claimed in shared memory, and each has a promise. So it
// shows what the design costs, and its distance from this pool what the contract costs.
// Numbers alone the pool sends in a faster way, by a ring.

const BATCH = 128;
const SLOTS = 1 << 17;

/** @type {import("../types.d.ts").PoolModule["open"]} */
export function open(_size) {
  const claims = new Int32Array(new SharedArrayBuffer(SLOTS * 4));
  const module = new URL("../jobs.js", import.meta.url).href;
  /** @type {((value: any) => void)[][]} Those who wait, message by message. */
  const sent = [];
  /** @type {[job: string, arg: unknown][]} */
  let calls = [];
  /** @type {((value: any) => void)[]} */
  let waiting = [];
  let next = 0;

  const url = new URL("./floor_worker.js", import.meta.url);
  const worker = new Worker(url, { type: "module" });
  worker.onmessage = ({ data }) => {
    const values = typeof data === "string" ? JSON.parse(data) : [data];
    const settle = sent.shift() ?? [];
    for (let i = 0; i < settle.length; i++) settle[i](values[i]);
  };
  worker.postMessage({ claims, module });

  /**
   * @param {string | [string, unknown]} jobs
   * @param {((value: any) => void)[]} settle
   * @param {Transferable[]} [moves]
   */
  function post(jobs, settle, moves) {
    const first = next;
    for (let i = 0; i < settle.length; i++) {
      Atomics.store(claims, next++ & (SLOTS - 1), 1);
    }
    sent.push(settle);
    if (moves) worker.postMessage([first, jobs], moves);
    else worker.postMessage([first, jobs]);
  }

  function flush() {
    if (calls.length === 0) return;
    const text = JSON.stringify(calls);
    const settle = waiting;
    calls = [];
    waiting = [];
    post(text, settle);
  }

  return {
    run: (job, arg) =>
      new Promise((resolve) => {
        if (!isPlain(arg)) return post([job, arg], [resolve]);
        if (calls.length === 0) queueMicrotask(flush);
        calls.push([job, arg]);
        waiting.push(resolve);
        if (calls.length === BATCH) flush();
      }),
    move: (buffer) =>
      new Promise((resolve) => {
        post(["noop", buffer], [resolve], [buffer]);
      }),
  };
}

/** @param {unknown} value */
function isPlain(value) {
  if (typeof value !== "object" || value === null) return true;
  return Object.getPrototypeOf(value) === Object.prototype;
}
