// `Deno.serve`, and the way of a request to a worker, and nothing of the rest: not even a
// `Request` or a `Response` there. So it shows what the design costs.
import { obey, setting, tell } from "../parent.ts";
import type { ServerSetting } from "../setting.ts";
import { type FloorLink, openLink } from "./floor_link.ts";
import { Kind } from "./floor_ring.ts";

const { work } = setting<ServerSetting>();
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** The requests that a worker answers, and the link to it. */
interface Server {
  waiting: Map<number, (response: Response) => void>;
  link: FloorLink;
}

async function startServer(): Promise<Server> {
  const waiting: Server["waiting"] = new Map();
  const hear = (id: number, _: Kind, bytes: Uint8Array) => {
    const [status, headers, body] = JSON.parse(decoder.decode(bytes));
    waiting.get(id)?.(new Response(body, { status, headers }));
    waiting.delete(id);
  };
  return { waiting, link: await openLink("floor_serve_worker.ts", work, hear) };
}

function answer(
  { waiting, link }: Server,
  { method, url, headers }: Request,
): Promise<Response> {
  const id = ++lastId;
  const text = JSON.stringify([method, url, [...headers]]);
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    link.tell(id, Kind.BYTES, encoder.encode(text));
  });
}

let lastId = 0;
const [one, other] = [await startServer(), await startServer()];
const { addr } = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen() {} },
  (request) =>
    answer(one.waiting.size <= other.waiting.size ? one : other, request),
);
tell({ port: addr.port });
await obey();
