// The samples of a pool as server-sent events: first those of the last minute, then
// each as it is taken. The response ends with the pool.
import type { Sampler } from "./sampler.ts";

/** A page that has not read so many events misses some; none are kept for it. */
const BEHIND = 16;
/** After so many ms a page asks again, when the server or the pool was gone. */
const RETRY = 2_000;

const encoder = new TextEncoder();

/** The response to a page that watches. */
export function eventsOf(sampler: Sampler): Response {
  let leave: (() => void) | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      let isFirst = true;
      const send = (text: string) => controller.enqueue(encoder.encode(text));
      leave = sampler.watch((sample) => {
        if (sample === undefined) {
          leave?.();
          controller.close();
        } else if (isFirst) {
          isFirst = false;
          send(`retry: ${RETRY}\nevent: history\ndata: ${sampler.history}\n\n`);
        } else if (controller.desiredSize! > 0) {
          send(`data: ${sample}\n\n`);
        }
      });
    },
    cancel() {
      leave?.();
    },
  }, { highWaterMark: BEHIND });
  return new Response(body, {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
    },
  });
}
