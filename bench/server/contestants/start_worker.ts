// Bare workers, for what is measured beside the pool.

/** Starts a worker of this folder; gives it with the first thing it says. */
export async function startWorker(
  module: string,
  message?: unknown,
): Promise<{ worker: Worker; first: unknown }> {
  const worker = new Worker(new URL(module, import.meta.url), {
    type: "module",
  });
  const first = await new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    if (message !== undefined) worker.postMessage(message);
  });
  return { worker, first };
}
