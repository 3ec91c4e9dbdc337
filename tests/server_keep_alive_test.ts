// The web server's kept connections, tested from outside: as a process, over its port.
import { assert, assertEquals } from "@std/assert";
import {
  connect,
  parseResponses,
  readResponse,
  readToEnd,
  send,
} from "./raw_http.ts";
import { hasCurl, Server } from "./server_process.ts";

const HOST = "Host: localhost\r\n";
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`;
const GET_LAST = `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
const SLEEP = `GET /sleep HTTP/1.1\r\n${HOST}\r\n`;
const windows = Deno.build.os === "windows";

function echo(body: string): string {
  return `POST /echo HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** How many connections a server has served or serves. */
function jobsOf(server: Server): number {
  return server.stdout.text.split("got a job").length - 1;
}

Deno.test("1000 requests over one connection are one job", async () => {
  await using server = await Server.start();
  using conn = await connect(server.port);
  for (let i = 0; i < 1000; i++) {
    await send(conn, echo(`${i}`));
    assertEquals((await readResponse(conn)).page, `${i}`);
  }
  assertEquals(jobsOf(server), 1);
});

Deno.test("1000 requests sent before the first response is read are answered in order", async () => {
  await using server = await Server.start();
  using conn = await connect(server.port);
  const numbers = Array.from({ length: 1000 }, (_, i) => `${i}`);
  const [bytes] = await Promise.all([
    readToEnd(conn),
    send(conn, numbers.map(echo).join("") + GET_LAST),
  ]);
  const pages = parseResponses(bytes).map(({ page }) => page);
  assertEquals(pages.length, 1001);
  assertEquals(pages.slice(0, 1000), numbers);
});

Deno.test("fetch uses its connection again, bodies and refusals or not", async () => {
  await using server = await Server.start();
  using client = Deno.createHttpClient({ poolMaxIdlePerHost: 1 });
  const origin = `http://127.0.0.1:${server.port}`;
  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(origin + path, { ...init, client });
    return [response.status, await response.bytes()] as const;
  };
  for (let i = 0; i < 5; i++) {
    assertEquals((await ask("/"))[0], 200);
    assertEquals((await ask("/", { method: "HEAD" }))[1].length, 0);
    assertEquals((await ask("/missing"))[0], 404);
    assertEquals((await ask("/", { method: "DELETE" }))[0], 405);

    const body = crypto.getRandomValues(new Uint8Array(60_000));
    assertEquals(await ask("/echo", { method: "POST", body }), [200, body]);
    const stream = new Blob([body]).stream(); // goes in chunks
    const inChunks = { method: "POST", body: stream };
    assertEquals(await ask("/echo", inChunks), [200, body]);
  }
  assertEquals(jobsOf(server), 1);
});

Deno.test({
  name: "curl uses its connection again (skipped where curl is not installed)",
  ignore: !await hasCurl(),
  fn: async () => {
    await using server = await Server.start();
    const url = `http://127.0.0.1:${server.port}`;
    const body = "x".repeat(100_000); // large enough to expect 100
    const each = [
      "-sS",
      "--max-time",
      "10",
      "-w",
      " %{http_code} %{num_connects}\n",
    ];
    const { stdout } = await new Deno.Command("curl", {
      args: [
        ...[...each, "-o", "-", "-d", "short", `${url}/echo`, "--next"],
        ...[...each, "-H", "Expect: 100-continue", "-d", body, `${url}/echo`],
        ...["--next", ...each, "-H", "Transfer-Encoding: chunked"],
        ...["-d", "chunked", `${url}/echo`, "--next"],
        ...[
          ...each,
          "-I",
          "-o",
          Deno.build.os === "windows" ? "NUL" : "/dev/null",
        ],
        ...[`${url}/`, "--next", ...each, "-0", "-d", "old", `${url}/echo`],
      ],
    }).output();
    assertEquals(new TextDecoder().decode(stdout).split("\n"), [
      "short 200 1",
      `${body} 200 0`,
      "chunked 200 0",
      " 200 0",
      "old 200 0",
      "",
    ]);
  },
});

Deno.test("a refusal ends its connection and no other", async () => {
  await using server = await Server.start();
  using good = await connect(server.port);
  for (const text of ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"]) {
    await send(good, GET);
    assertEquals((await readResponse(good)).status, 200);
    using bad = await connect(server.port);
    await send(bad, text);
    const [{ status }] = parseResponses(await readToEnd(bad));
    assertEquals(status, 400);
  }
  assertEquals(server.stderr.text, "");
});

Deno.test("clients that keep their connections do not hold the workers", async () => {
  await using server = await Server.start("--size", "1", "--concurrency", "8");
  const kept: Deno.Conn[] = [];
  for (let i = 0; i < 7; i++) {
    const conn = await connect(server.port);
    kept.push(conn);
    // Some have sent a request, some a part of one, some nothing.
    await send(conn, [GET, "GET / HT", ""][i % 3]);
    if (i % 3 === 0) await readResponse(conn);
  }
  for (let i = 0; i < 3; i++) {
    using conn = await connect(server.port);
    await send(conn, GET_LAST);
    assertEquals(parseResponses(await readToEnd(conn)).length, 1);
  }
  for (const [i, conn] of kept.entries()) {
    await send(conn, [GET, "TP/1.1\r\nHost: a\r\n\r\n", GET][i % 3]);
    assertEquals((await readResponse(conn)).status, 200);
    conn.close();
  }
});

Deno.test("a connection beyond --concurrency waits until another ends", async () => {
  await using server = await Server.start("--size", "1", "--concurrency", "2");
  using first = await connect(server.port);
  using second = await connect(server.port);
  using third = await connect(server.port);
  for (const conn of [first, second]) {
    await send(conn, GET);
    await readResponse(conn);
  }
  await send(third, GET_LAST);
  await send(first, GET);
  await readResponse(first);
  assertEquals(jobsOf(server), 2);
  await send(second, GET_LAST);
  assertEquals(parseResponses(await readToEnd(second)).length, 1);
  assertEquals(parseResponses(await readToEnd(third)).length, 1);
});

Deno.test("GET /sleep makes the others of its worker wait, and none is taken for silent", async () => {
  const flags = ["--size", "1", "--concurrency", "2"];
  await using server = await Server.start(
    ...[...flags, "--delay", "1000", "--idle", "400"],
  );
  using other = await connect(server.port);
  await send(other, GET);
  await readResponse(other);
  using sleeper = await connect(server.port);
  await send(sleeper, SLEEP);
  await server.stdout.match(/(?:got a job[^]*){2}/);
  await send(other, GET);
  const responses = await Promise.all(
    [sleeper, other].map((conn) => readResponse(conn)),
  );
  assertEquals(responses.map(({ status }) => status), [200, 200]);
});

Deno.test({
  name:
    "SIGTERM waits for an idle connection, but not beyond --idle (skipped on Windows)",
  ignore: windows,
  fn: async () => {
    await using server = await Server.start("--idle", "500");
    using conn = await connect(server.port);
    await send(conn, GET);
    await readResponse(conn);
    const start = performance.now();
    server.kill("SIGTERM");
    assertEquals((await server.status).code, 0);
    const ms = performance.now() - start;
    assert(ms < 3_000, `Expected to end within 500 ms, took ${ms}`);
    assertEquals(await readToEnd(conn), new Uint8Array());
    await server.stderr.ended;
    assertEquals(server.stderr.text, "");
  },
});

Deno.test({
  name:
    "after SIGTERM the next answer of a connection is its last (skipped on Windows)",
  ignore: windows,
  fn: async () => {
    const flags = ["--size", "1", "--delay", "500"];
    await using server = await Server.start(...flags);
    using conn = await connect(server.port);
    await send(conn, SLEEP + GET);
    await server.stdout.match(/got a job/);
    server.kill("SIGTERM");
    // The first is the one more: what was sent after it is not answered.
    const responses = parseResponses(await readToEnd(conn));
    assertEquals(
      responses.map(({ status, headers }) => [
        status,
        headers.get("connection"),
      ]),
      [[200, "close"]],
    );
    assertEquals((await server.status).code, 0);
  },
});
