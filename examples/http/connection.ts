// The requests of one connection, one after the other, each read to its end before it is answered.
import { type Bytes, readBody } from "./body.ts";
import { Client, type Conn } from "./client.ts";
import { type Head, parseHead } from "./head.ts";
import { Input } from "./input.ts";
import { Refusal, type RefusalStatus } from "./refusal.ts";
import { type Answer, CONTINUE, encodeResponse } from "./response.ts";

/** A request that has arrived whole. */
export interface HttpRequest {
  method: string;
  path: string;
  body: Bytes;
}

/** What answers the requests. */
export interface Site {
  answer(request: HttpRequest): Answer;
  /** The answer to what is no request, or none that is taken. */
  refuse(status: RefusalStatus): Answer;
}

/** Options of {@linkcode serveConnection}. */
export interface ConnectionLimits {
  /** How many ms the client may keep the server waiting, within requests and between them. */
  idle: number;
  /** Whether the request that is answered is to be the last one. */
  isStopping(): boolean;
}

/** How many ms a client that may still be sending has to see its last answer. */
const LINGER = 1_000;

/** Serves requests until the client or a limit ends the connection, which it does not close. */
export async function serveConnection(
  conn: Conn,
  site: Site,
  { idle, isStopping }: ConnectionLimits,
): Promise<void> {
  using client = new Client(conn, idle);
  const input = new Input(client);
  try {
    for (;;) {
      const head = await readHead(input);
      if (head === undefined) return;
      const request = await readRest(head, input, client);
      if (request === undefined) return;

      const answer = site.answer(request);
      const isStopped = isStopping();
      const keepAlive = head.keepAlive && !isStopped;
      const headOnly = head.method === "HEAD";
      const response = encodeResponse(answer, { keepAlive, headOnly });
      if (!await client.write(response)) return;

      if (keepAlive) continue;
      if (isStopped || input.length > 0) await client.linger(LINGER);
      return;
    }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const answer = site.refuse(error.status);
    const options = { keepAlive: false, headOnly: false };
    await client.write(encodeResponse(answer, options));
    await client.linger(LINGER);
  }
}

async function readHead(input: Input): Promise<Head | undefined> {
  let lines = await input.lines();
  // Some clients end a body with an empty line that it does not have.
  if (lines === "") lines = await input.lines();
  return lines === undefined ? undefined : parseHead(lines);
}

async function readRest(
  { method, path, body: length, expectsContinue }: Head,
  input: Input,
  client: Client,
): Promise<HttpRequest | undefined> {
  // Who sends already does not wait for it.
  if (expectsContinue && length !== 0 && input.length === 0) {
    if (!await client.write(CONTINUE)) return undefined;
  }
  const body = await readBody(input, length);
  return body && { method, path, body };
}
