// The job of examples/serve.ts: answers a request with the SHA-256 of its body.

/** Hashes the body of a POST request, and asks for a POST otherwise. */
export async function handle(request: Request): Promise<Response> {
  if (request.method !== "POST") {
    return new Response("POST something to have it hashed.\n");
  }
  const body = await request.arrayBuffer();
  const hash = await crypto.subtle.digest("SHA-256", body);
  return new Response(`${new Uint8Array(hash).toHex()}\n`);
}
