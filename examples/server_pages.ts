// What the web server answers: its pages, and the methods that each knows.
import type { HttpRequest, Site } from "./http/connection.ts";
import type { RefusalStatus } from "./http/refusal.ts";
import type { Answer } from "./http/response.ts";

const HELLO = page(200, "Hello!", "Hi from Deno");
const NOT_FOUND = page(404, "Oops!", "There is no such page.");
const ONLY_GET = notAllowed("GET, HEAD");
const ONLY_POST = notAllowed("POST");

const REFUSALS: Record<RefusalStatus, Answer> = {
  400: page(400, "Pardon?", "That is not an HTTP request."),
  413: page(413, "Too large!", "The body of a request has at most 1 MiB."),
  431: page(431, "Too long!", "The head of a request ends within 8 KiB."),
  501: page(501, "Sorry!", "The only transfer coding known here is chunked."),
};

/** The pages, of which `/sleep` takes `delay` ms. */
export function makeSite(delay: number): Site {
  return {
    answer: (request) => answer(request, delay),
    refuse: (status) => REFUSALS[status],
  };
}

function answer({ method, path, body }: HttpRequest, delay: number): Answer {
  const isGet = method === "GET" || method === "HEAD";
  switch (path) {
    case "/":
      return isGet ? HELLO : ONLY_GET;
    case "/sleep":
      if (!isGet) return ONLY_GET;
      sleep(delay);
      return HELLO;
    case "/echo":
      return method === "POST" ? echo(body) : ONLY_POST;
    default:
      return NOT_FOUND;
  }
}

function echo(body: Uint8Array): Answer {
  return { status: 200, type: "application/octet-stream", body };
}

/** Blocks this thread, and with it nobody but this worker. */
function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function notAllowed(allow: string): Answer {
  return { ...page(405, "Not so!", `This page knows ${allow}.`), allow };
}

function page(
  status: Answer["status"],
  heading: string,
  text: string,
): Answer {
  const html = `<!DOCTYPE html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <title>${heading} 🦕</title>
  </head>
  <body>
    <h1>${heading}</h1>
    <p>${text}</p>
  </body>
</html>
`;
  const body = new TextEncoder().encode(html);
  return { status, type: "text/html; charset=utf-8", body };
}
