// The web server's requests and responses, in memory: which bytes arrive
// together is up to each test.
import { assert, assertEquals } from "@std/assert";
import { exchange, statuses } from "./server_in_memory.ts";

const HOST = "Host: localhost\r\n";
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const GET_OLD = "GET / HTTP/1.0\r\n\r\n";
const HEAD = `HEAD / HTTP/1.1\r\n${HOST}\r\n`;
const POST = `POST /echo HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`;
const POST_CHUNKED =
  `POST /echo HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n` +
  "4\r\nwiki\r\n5;a=b\r\npedia\r\n0\r\nX-Trailer: 1\r\n\r\n";

function get(...headers: string[]): string {
  return `GET / HTTP/1.1\r\n${HOST}${headers.join("\r\n")}\r\n\r\n`;
}

Deno.test("a request that arrives whole costs one read and one write", async () => {
  for (const request of [GET, HEAD, POST, POST_CHUNKED]) {
    const headOnly = request === HEAD ? [0, 1, 2] : [];
    const packets = [request, request, request];
    const { reads, writes } = await exchange(packets, { headOnly });
    // The last read sees the end.
    assertEquals({ reads, writes }, { reads: 4, writes: 3 });
  }
});

Deno.test("requests in one packet are read once and answered in order", async () => {
  const texts = [POST, GET, POST_CHUNKED, GET.replace("/", "/missing"), POST];
  const { responses, reads } = await exchange([texts.join("")]);
  assertEquals(responses.map(({ status }) => status), [
    200,
    200,
    200,
    404,
    200,
  ]);
  const [hello, page, wikipedia] = responses.map(({ page }) => page);
  assertEquals([hello, wikipedia], ["hello", "wikipedia"]);
  assert(page.includes("Hi from Deno"));
  assertEquals(reads, 2);
});

Deno.test("requests split at any byte are answered as those that arrive whole", async () => {
  const text = POST + HEAD + POST_CHUNKED + GET;
  const summary = async (packets: string[]) => {
    const { responses } = await exchange(packets, { headOnly: [1] });
    return responses.map(({ status, page }) => [status, page]);
  };
  const whole = await summary([text]);
  assertEquals(whole.length, 4);
  for (let i = 1; i < text.length; i++) {
    assertEquals(await summary([text.slice(0, i), text.slice(i)]), whole);
  }
  assertEquals(await summary([...text]), whole);
});

Deno.test("1000 requests over one connection are all answered", async () => {
  const packets = Array.from({ length: 1000 }, (_, i) => [
    `POST /echo HTTP/1.1\r\n${HOST}Content-Length: ${`${i}`.length}\r\n\r\n`,
    `${i}`,
  ]);
  const { responses } = await exchange(packets.flat());
  const expected = Array.from({ length: 1000 }, (_, i) => `${i}`);
  assertEquals(responses.map(({ page }) => page), expected);
});

Deno.test("a connection is kept unless a request says close", async () => {
  for (
    const [header, answers, connection] of [
      ["X: close", 2, "keep-alive"],
      ["Connection: keep-alive", 2, "keep-alive"],
      ["Connection: upgrade", 2, "keep-alive"],
      ["Connection: close", 1, "close"],
      ["connection:CLOSE", 1, "close"],
      ["Connection: te , Close\t, x", 1, "close"],
      ["Connection: te\r\nConnection: close", 1, "close"],
      ["Connection: keep-alive, close", 1, "close"],
    ] as const
  ) {
    const { responses } = await exchange([get(header), GET]);
    assertEquals(responses.length, answers, header);
    assertEquals(responses[0].headers.get("connection"), connection, header);
  }
});

Deno.test("HTTP/1.0 keeps its connection only if it says so, and needs no Host", async () => {
  const keep = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
  const { responses } = await exchange([keep, keep, GET_OLD, GET_OLD]);
  assertEquals(
    responses.map(({ status, headers }) => [status, headers.get("connection")]),
    [[200, "keep-alive"], [200, "keep-alive"], [200, "close"]],
  );
});

Deno.test("HEAD gives the length of the page, and the next response begins after its head", async () => {
  const { responses: [head, page] } = await exchange([HEAD + GET], {
    headOnly: [0],
  });
  assertEquals(head.body.length, 0);
  for (const name of ["content-type", "content-length", "connection"]) {
    assertEquals(head.headers.get(name), page.headers.get(name));
  }
  assertEquals(head.headers.get("content-length"), `${page.body.length}`);
});

Deno.test("every response has the date", async () => {
  for (const request of [GET, "nonsense\r\n\r\n"]) {
    const { responses: [{ headers }] } = await exchange([request]);
    const date = headers.get("date") ?? "";
    assertEquals(new Date(date).toUTCString(), date);
    assert(Math.abs(Date.now() - Date.parse(date)) < 60_000);
  }
});

Deno.test("a page that does not know the method gives 405 with those it knows", async () => {
  for (
    const [method, path, status, allow] of [
      ["POST", "/", 405, "GET, HEAD"],
      ["DELETE", "/sleep", 405, "GET, HEAD"],
      ["GET", "/echo", 405, "POST"],
      ["OPTIONS", "/echo", 405, "POST"],
      ["BREW", "/", 405, "GET, HEAD"],
      ["get", "/", 405, "GET, HEAD"],
      ["POST", "/missing", 404, null],
      ["OPTIONS", "*", 404, null],
    ] as const
  ) {
    const { responses } = await exchange([
      `${method} ${path} HTTP/1.1\r\n${HOST}\r\n`,
      GET,
    ]);
    assertEquals(responses.map(({ status }) => status), [status, 200]);
    assertEquals(responses[0].headers.get("allow"), allow);
  }
});

Deno.test("a target may have a query, and an origin", async () => {
  for (
    const [target, status] of [
      ["/?a=b?c", 200],
      ["http://localhost/", 200],
      ["HTTP://localhost:80/?x=/missing", 200],
      ["http://localhost", 200],
      ["http://localhost/missing", 404],
      ["//", 404],
    ] as const
  ) {
    assertEquals(
      await statuses(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`),
      [status],
      target,
    );
  }
});

Deno.test("a malformed request gets 400, and nothing after it is answered", async () => {
  for (
    const text of [
      "nonsense\r\n\r\n",
      "\r\n\r\n",
      "GET /\r\n\r\n",
      "GET HTTP/1.1\r\n\r\n",
      `GET  / HTTP/1.1\r\n${HOST}\r\n`,
      `GET / HTTP/2.0\r\n${HOST}\r\n`,
      `GET / http/1.1\r\n${HOST}\r\n`,
      `GET / HTTP/1.1 \r\n${HOST}\r\n`,
      ` GET / HTTP/1.1\r\n${HOST}\r\n`,
      `\uFEFFGET / HTTP/1.1\r\n${HOST}\r\n`,
      `G(T / HTTP/1.1\r\n${HOST}\r\n`,
      `GET /\u00e9 HTTP/1.1\r\n${HOST}\r\n`,
      get("no colon"),
      get("spaced : name"),
      get(": no name"),
      get("X: a", " folded"),
      get("X: a\0b"),
      get("X: a\rb"),
      get("X: a\nb"),
      get("X: a\u0085b"),
      "GET / HTTP/1.1\n\n",
      "GET / HTTP/1.1\r\nHost: localhost\r\n\n",
    ]
  ) {
    const { responses, isParted } = await exchange([text, GET]);
    const label = JSON.stringify(text);
    assertEquals(responses.map(({ status }) => status), [400], label);
    assertEquals(responses[0].headers.get("connection"), "close", label);
    assert(isParted, label);
  }
});

Deno.test("a request of HTTP/1.1 without exactly one good Host gets 400", async () => {
  const withHosts = (...hosts: string[]) =>
    `GET / HTTP/1.1\r\n${hosts.map((host) => `${host}\r\n`).join("")}\r\n`;
  assertEquals(await statuses(withHosts()), [400]);
  assertEquals(await statuses(withHosts("Host: a", "Host: b")), [400]);
  assertEquals(await statuses(withHosts("Host: a", "host: a")), [400]);
  assertEquals(await statuses(withHosts("Host: a b")), [400]);
  assertEquals(await statuses(withHosts("Host: a/b")), [400]);
  assertEquals(await statuses(withHosts("HOST:a.example:80")), [200]);
  assertEquals(await statuses(withHosts("Host: [::1]:80 ")), [200]);
  assertEquals(await statuses(withHosts("Host:")), [200]);
  assertEquals(
    await statuses("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"),
    [400],
  );
});

Deno.test("one empty line before a request is overlooked", async () => {
  assertEquals(await statuses(`\r\n${GET}\r\n${POST}\r\n`, GET), [
    200,
    200,
    200,
  ]);
});

Deno.test("a head of 8 KiB is read, a longer one gets 431, whole or not", async () => {
  const headOf = (bytes: number) =>
    get(`X: ${"x".repeat(bytes - get("X: ").length)}`);
  assertEquals(await statuses(headOf(8192), headOf(8192) + GET), [
    200,
    200,
    200,
  ]);
  assertEquals(await statuses(headOf(8193)), [431]);
  assertEquals(await statuses(headOf(64 * 1024)), [431]);
  assertEquals(await statuses(...headOf(9000)), [431]);
  assertEquals(await statuses(headOf(9000).slice(0, 8192)), [431]);
  assertEquals(await statuses(GET + headOf(8193)), [200, 431]);
});

Deno.test("a client that leaves within a request gets no response to it", async () => {
  for (const request of [GET, POST, POST_CHUNKED]) {
    for (let i = 0; i < request.length; i++) {
      assertEquals(await statuses(GET + request.slice(0, i)), [200]);
    }
  }
});

Deno.test("once the server stops, the next answer is the last and says so", async () => {
  let stopping = false;
  const isStopping = () => stopping || (stopping = true, false);
  const { responses, isParted } = await exchange([GET, GET, GET], {
    isStopping,
  });
  assertEquals(
    responses.map(({ headers }) => headers.get("connection")),
    ["keep-alive", "close"],
  );
  assert(isParted);
});
