// The job of examples/serve.ts: it answers a request with the SHA-256 of its body.

/** Hashes what is posted, and tells everybody else to post something. */
export async function handle(request: Request): Promise<Response> {
  if (request.method !== "POST") {
    return new Response("POST something to have it hashed.\n");
  }
  const body = await request.arrayBuffer();
  const hash = await crypto.subtle.digest("SHA-256", body);
  return new Response(`${new Uint8Array(hash).toHex()}\n`);
}
