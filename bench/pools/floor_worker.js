// Claims each job that comes, runs it, and answers message by message.

/** @type {any} A worker's scope, in a file that is checked as main's are. */
const scope = globalThis;

const CLAIMED = 2;
const DONE = 3;

/** @type {Int32Array} */
let claims;
/** @type {any} */
let jobs;
/** @type {unknown[]} What came before the jobs were loaded. */
let early = [];

scope.onmessage = async (/** @type {MessageEvent} */ { data }) => {
  if (Array.isArray(data)) return jobs ? run(data) : early.push(data);
  claims = data.claims;
  jobs = await import(data.module);
  early.forEach(run);
  early = [];
};

/** @param {any} message */
function run([first, calls]) {
  if (typeof calls !== "string") {
    const value = call(first, calls);
    const moves = value instanceof ArrayBuffer ? [value] : [];
    return scope.postMessage(value, moves);
  }
  const values = JSON.parse(calls);
  for (let i = 0; i < values.length; i++) {
    values[i] = call(first + i, values[i]);
  }
  scope.postMessage(JSON.stringify(values));
}

/**
 * @param {number} seq
 * @param {[string, unknown]} job
 */
function call(seq, [job, arg]) {
  const slot = seq & (claims.length - 1);
  Atomics.compareExchange(claims, slot, 1, CLAIMED);
  const value = jobs[job](arg);
  Atomics.store(claims, slot, DONE);
  return value;
}
