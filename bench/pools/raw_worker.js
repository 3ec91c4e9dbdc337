// Echoes every message to a raw worker; a buffer is moved back.

/** @type {any} The worker's end of the channel, under Deno or Node. */
const port = "Deno" in globalThis
  ? globalThis
  : process.getBuiltinModule("node:worker_threads").parentPort;

/** @param {unknown} data */
function echo(data) {
  if (data instanceof ArrayBuffer) port.postMessage(data, [data]);
  else port.postMessage(data);
}

if ("Deno" in globalThis) {
  port.onmessage = (/** @type {MessageEvent} */ event) => echo(event.data);
} else port.on("message", echo);
