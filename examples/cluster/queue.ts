// What producers and consumers share: the queue, its Redis, and how to cancel a job.
import { Queue, QueueEvents } from "bullmq";
import { Redis } from "ioredis";

export const QUEUE = "spindle";
export const REDIS = "redis://127.0.0.1:6379";
/** Why a job failed that was cancelled. */
export const CANCELLED = "cancelled";

const CHANNEL = `${QUEUE}:cancel`;
const DAY = 24 * 60 * 60;
const keyOf = (id: string) => `${QUEUE}:cancelled:${id}`;

/** A connection that waits while Redis is away, as BullMQ's workers need it. */
export function connect(url: string): Redis {
  return new Redis(url, { maxRetriesPerRequest: null }).on("error", report);
}

/** The side of the queue that adds jobs. */
export function openQueue(redis: Redis): Queue {
  return new Queue(QUEUE, { connection: redis }).on("error", report);
}

/** What happens to the jobs, from this second on. */
export async function openEvents(redis: Redis): Promise<QueueEvents> {
  // Without an id it starts when its first command arrives, which may be too late.
  const [second] = await redis.time();
  const lastEventId = `${second}000`;
  const events = new QueueEvents(QUEUE, { connection: redis, lastEventId });
  await events.on("error", report).waitUntilReady();
  return events;
}

/** Cancels a job: removes it from the queue, or has its consumer abort it. */
export async function cancel(queue: Queue, redis: Redis, id: string) {
  // Noted first, so that a job on its way from the queue to a consumer is not missed.
  await redis.set(keyOf(id), "", "EX", DAY);
  const wasWaiting = await queue.remove(id);
  if (!wasWaiting) await redis.publish(CHANNEL, id);
}

/** Those of the jobs that were cancelled. */
export async function cancelledOf(redis: Redis, ids: string[]) {
  const notes = await redis.mget(ids.map(keyOf));
  return ids.filter((_, i) => notes[i] !== null);
}

/** Calls the listener with each running job that is cancelled. */
export async function onCancel(redis: Redis, listener: (id: string) => void) {
  const subscriber = redis.duplicate().on("error", report);
  subscriber.on("message", (_channel, id) => listener(id));
  await subscriber.subscribe(CHANNEL);
}

/** Tells of what has failed, and is tried again. */
export function report(error: Error): void {
  console.error(`error: ${error.message || error}`);
}
