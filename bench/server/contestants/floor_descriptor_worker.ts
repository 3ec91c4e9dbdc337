// Serves connections whose descriptors come, and tells which have ended.
import { adoptDescriptor } from "../../../src/moving/descriptor.ts";
import { serve, type Work } from "../http.ts";
import { post, receive } from "./worker_scope.ts";

let work: Work;

receive((message: { work: Work } | { id: number; fd: number }) => {
  if ("fd" in message) return serveDescriptor(message);
  work = message.work;
  post("ready");
});

async function serveDescriptor(
  { id, fd }: { id: number; fd: number },
): Promise<void> {
  const { rid, core } = adoptDescriptor(fd);
  try {
    await serve({
      read: async (target) => await core.read(rid, target) || null,
      write: (bytes) => core.write(rid, bytes),
    }, work);
  } catch {
    // Reset by the client.
  } finally {
    core.close(rid);
    post(id);
  }
}
